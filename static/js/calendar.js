// A month (table with data-calendar) as one tab stop: arrows walk days and weeks, Home and End the
// week, Page Up and Down the months. Without it every open day is an ordinary link.
const STEPS = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -7, ArrowDown: 7 };

// The day of the month to stand on after another month was loaded; negative counts from its end.
let landing = null;

const daysOf = (table) => [...table.querySelectorAll("[data-day]")];

function stand(table, day) {
  for (const other of daysOf(table)) other.tabIndex = -1;
  day.tabIndex = 0;
  day.focus();
}

function turn(table, side, day) {
  const arrow = document.getElementById(`${table.dataset.calendar}-${side}`);
  if (!arrow) return;
  landing = day;
  arrow.click();
}

function weekEdge(day, edge) {
  const days = [...day.closest("tr").querySelectorAll("[data-day]")];
  return edge === "Home" ? days[0] : days[days.length - 1];
}

function walk(event) {
  const table = event.currentTarget;
  const days = daysOf(table);
  const index = days.indexOf(event.target.closest("[data-day]"));
  if (index < 0 || event.altKey || event.ctrlKey || event.metaKey) return;
  if (event.key in STEPS) {
    const next = index + STEPS[event.key];
    if (days[next]) stand(table, days[next]);
    else if (next < 0) turn(table, "previous", next);
    else turn(table, "next", next - days.length);
  } else if (event.key === "Home" || event.key === "End") {
    stand(table, weekEdge(days[index], event.key));
  } else if (event.key === "PageUp") {
    turn(table, "previous", index);
  } else if (event.key === "PageDown") {
    turn(table, "next", index);
  } else {
    return;
  }
  event.preventDefault();
}

function start(table) {
  const days = daysOf(table);
  const current = table.querySelector("[aria-selected=true] [data-day]") ||
    table.querySelector("a[data-day]") || days[0];
  if (!current) return;
  for (const day of days) day.tabIndex = day === current ? 0 : -1;
  if (!table.dataset.walks) {
    table.dataset.walks = "true";
    table.addEventListener("keydown", walk);
  }
  if (landing === null) return;
  const wanted = landing < 0 ? days.length + landing : Math.min(landing, days.length - 1);
  landing = null;
  stand(table, days[Math.max(0, wanted)]);
}

export function bind(root) {
  if (root.matches?.("[data-calendar]")) start(root);
  root.querySelectorAll("[data-calendar]").forEach(start);
}
