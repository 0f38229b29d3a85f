// The times of a day: the button repeats the choice in words, and the page stays fresh.
const EVERY = 60_000;
const SOON = 15_000;

let refreshedAt = performance.now();
// What was chosen while the page was looking again.
let chosen = null;
// How often the time repeats is kept through every day and month.
let repeats = null;
// Where what has the focus stood, so that nothing moves under whoever works with the keyboard.
let held = null;

function words(radio) {
  const time = document.querySelector(`label[for="${CSS.escape(radio.id)}"] time`);
  const day = radio.closest("fieldset")?.querySelector("legend time")?.textContent;
  const heading = document.querySelector("#day-name")?.textContent;
  return `Continue with ${day || heading}, ${time.textContent.trim()}`;
}

function repeat(section) {
  const label = section.querySelector("[data-continue]");
  const radio = section.querySelector("[name=start]:checked");
  if (label && radio) label.textContent = words(radio);
}

// What is shown may have been booked meanwhile; the choice and the focus are kept, nothing is said.
function refresh() {
  const section = document.querySelector("[data-times]");
  const isBusy = section?.querySelector("[data-sent]");
  if (!section || isBusy || document.hidden || !navigator.onLine) return;
  refreshedAt = performance.now();
  const query = new URLSearchParams(location.search);
  const radio = section.querySelector("[name=start]:checked");
  if (radio) query.set("start", radio.value);
  const weeks = section.querySelector("[name=weeks]");
  if (weeks) query.set("weeks", weeks.value);
  section.toggleAttribute("data-quiet", true);
  window.htmx.ajax("GET", `${location.pathname}?${query}`, { source: section, target: "#chooser", swap: "innerHTML" });
}

document.addEventListener("htmx:beforeSwap", () => {
  chosen = document.querySelector("[data-quiet] [name=start]:checked")?.value ?? null;
  repeats = document.querySelector("[data-times] [name=weeks]")?.value ?? null;
  const active = document.activeElement;
  const isHeld = active?.matches("#chooser [id]");
  held = isHeld ? { id: active.id, top: active.getBoundingClientRect().top } : null;
});

function keepPlace({ id, top }) {
  const same = document.getElementById(id);
  if (same && same === document.activeElement) scrollBy(0, same.getBoundingClientRect().top - top);
}

document.addEventListener("htmx:afterSwap", () => {
  if (!held) return;
  const place = held;
  held = null;
  keepPlace(place);
  // The browser may hold on to something else while it lays out the new content.
  requestAnimationFrame(() => keepPlace(place));
});

function keepChoice(section) {
  const radio = chosen && section.querySelector(`[name=start][value="${CSS.escape(chosen)}"]`);
  if (radio && !section.querySelector("[name=start]:checked")) radio.checked = true;
  const weeks = section.querySelector("[name=weeks]");
  if (weeks && repeats) weeks.value = repeats;
  chosen = repeats = null;
}

setInterval(refresh, EVERY);
window.addEventListener("focus", () => {
  if (performance.now() - refreshedAt > SOON) refresh();
});

// The server prints online lessons in the viewer's zone once it knows it.
function nameZone() {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (!zone || document.cookie.split("; ").includes(`zone=${zone}`)) return;
  document.cookie = `zone=${zone};path=/;max-age=31536000;samesite=lax`;
  if (document.querySelector("[data-times]").dataset.times !== zone) refresh();
}

function start(section) {
  keepChoice(section);
  repeat(section);
  section.addEventListener("change", () => repeat(section));
  nameZone();
}

export function bind(root) {
  if (root.matches?.("[data-times]")) start(root);
  root.querySelectorAll("[data-times]").forEach(start);
}
