// The week as a grid of quarter hours above the rows that people type (form with data-hours). The
// rows are the data: the grid reads them, and what is painted is written back into them.
const DAYS = 7;
const QUARTERS = 96;
const NIGHT = 24;
const MOST_STEPS = 10;
const HOLD_MS = 400;
const STEPS = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] };

const two = (number) => String(number).padStart(2, "0");
const typed = (quarter) => `${two(Math.floor(quarter / 4) % 24)}:${two((quarter % 4) * 15)}`;
const inOrder = (one, other) => (one < other ? [one, other] : [other, one]);
const announce = (detail) => document.dispatchEvent(new CustomEvent("announce", { detail }));

function said(quarter) {
  const hour = Math.floor(quarter / 4) % 24;
  return `${hour % 12 || 12}:${two((quarter % 4) * 15)} ${hour < 12 ? "AM" : "PM"}`;
}

function quarterOf(text, isEnd) {
  const match = /^(\d\d):(\d\d)/.exec(text);
  if (!match) return null;
  const quarter = (Number(match[1]) * 60 + Number(match[2])) / 15;
  return isEnd && quarter === 0 ? QUARTERS : quarter;
}

class Week {
  constructor(form) {
    this.form = form;
    this.box = form.querySelector("[data-hours-grid]");
    this.days = [...form.querySelectorAll("[data-hours-day]")];
    this.names = this.days.map((day) => day.dataset.name);
    this.taken = this.days.map(() => Array(QUARTERS).fill(null));
    this.steps = [];
    this.at = [0, 36];
    this.anchor = null;
    this.copied = null;
    this.readTaken();
    this.open = this.readRows();
    this.saved = JSON.stringify(this.open);
    this.draw();
    this.listen();
  }

  // --- What is typed, and what keeps time -------------------------------------------------------
  readRows() {
    return this.days.map((day) => {
      const open = Array(QUARTERS).fill(false);
      for (const row of day.querySelectorAll("[data-hours-row]")) {
        const [start, end] = [...row.querySelectorAll("input")].map((input, side) => quarterOf(input.value, side === 1));
        if (start !== null && end !== null) open.fill(true, Math.ceil(start), Math.floor(end));
      }
      return open;
    });
  }

  readTaken() {
    for (const piece of document.querySelectorAll("[data-taken]")) {
      const { taken: kind, day, start, end } = piece.dataset;
      const label = piece.querySelector("[data-label]").textContent.trim();
      const first = Math.floor(start / 15);
      for (let quarter = first; quarter < Math.ceil(end / 15); quarter += 1) {
        if (this.taken[day][quarter]?.kind !== "booked") this.taken[day][quarter] = { kind, label, isFirst: quarter === first };
      }
    }
  }

  ranges(day) {
    const found = [];
    this.open[day].forEach((isOpen, quarter) => {
      if (!isOpen) return;
      const last = found[found.length - 1];
      if (last && last[1] === quarter) last[1] = quarter + 1;
      else found.push([quarter, quarter + 1]);
    });
    return found;
  }

  writeRows(day) {
    const rows = this.days[day].querySelector("[data-hours-rows]");
    const ranges = this.ranges(day);
    rows.replaceChildren(...ranges.map(([start, end], number) => this.row(day, number, typed(start), typed(end))));
    if (!ranges.length) rows.append(this.closed());
  }

  row(day, number, start, end) {
    const row = this.form.querySelector("[data-hours-blank]").content.cloneNode(true).firstElementChild;
    [...row.querySelectorAll("input")].forEach((input, side) => {
      input.name = input.id = `d${day}-${number}-${side ? "end" : "start"}`;
      input.setAttribute("aria-label", `${this.names[day]}, row ${number + 1}, ${side ? "until" : "from"}`);
      input.value = side ? end : start;
    });
    return row;
  }

  closed() {
    const words = document.createElement("p");
    words.className = "muted";
    words.textContent = "Closed";
    return words;
  }

  addRow(day) {
    const rows = this.days[day].querySelector("[data-hours-rows]");
    const number = rows.querySelectorAll("[data-hours-row]").length;
    if (!number) rows.replaceChildren();
    rows.append(this.row(day, number, "", ""));
    rows.lastElementChild.querySelector("input").focus();
  }

  // --- Changes ----------------------------------------------------------------------------------
  remember() {
    this.steps.push(JSON.stringify(this.open));
    this.steps = this.steps.slice(-MOST_STEPS);
  }

  change(edit, words) {
    this.remember();
    edit();
    this.open.forEach((_, day) => this.writeRows(day));
    this.show();
    if (words) announce(words);
  }

  undo() {
    if (!this.steps.length) return;
    this.open = JSON.parse(this.steps.pop());
    this.open.forEach((_, day) => this.writeRows(day));
    this.show();
    announce("Undone");
  }

  fill(from, to, isOpen) {
    const [firstDay, lastDay] = inOrder(from[0], to[0]);
    const [first, last] = inOrder(from[1], to[1]);
    for (let day = firstDay; day <= lastDay; day += 1) this.open[day].fill(isOpen, first, last + 1);
  }

  fillAloud(from, to, isOpen) {
    const [firstDay, lastDay] = inOrder(from[0], to[0]);
    const [first, last] = inOrder(from[1], to[1]);
    const days = firstDay === lastDay ? this.names[firstDay] : `${this.names[firstDay]} to ${this.names[lastDay]}`;
    this.change(
      () => this.fill(from, to, isOpen),
      `${isOpen ? "Opened" : "Closed"} ${days} ${said(first)} to ${said(last + 1)}`,
    );
  }

  copyDay(from, days) {
    this.change(() => days.forEach((day) => { this.open[day] = [...this.open[from]]; }), `Copied ${this.names[from]}`);
  }

  // --- Drawing ----------------------------------------------------------------------------------
  draw() {
    const table = document.createElement("table");
    table.className = "hours-grid";
    table.setAttribute("role", "grid");
    table.setAttribute("aria-label", "Hours, a quarter of an hour for each cell");
    table.setAttribute("aria-multiselectable", "true");
    const head = table.createTHead().insertRow();
    head.append(this.header("Time", "col"), ...this.names.map((name, day) => this.header(name, "col", day)));
    head.cells[0].firstElementChild.className = "visually-hidden";
    const body = table.createTBody();
    this.cells = this.days.map(() => []);
    for (let quarter = 0; quarter < QUARTERS; quarter += 1) {
      const row = body.insertRow();
      row.className = quarter % 4 ? "" : "hours-full";
      row.toggleAttribute("data-night", quarter < NIGHT);
      const time = this.header(said(quarter).replace(":00", ""), "row");
      if (quarter % 4) time.firstElementChild.className = "visually-hidden";
      row.append(time);
      this.days.forEach((_, day) => {
        const cell = row.insertCell();
        cell.dataset.cell = `${day},${quarter}`;
        cell.dataset.day = day;
        cell.tabIndex = -1;
        const kept = this.taken[day][quarter];
        if (kept?.isFirst) cell.textContent = kept.label;
        this.cells[day].push(cell);
      });
    }
    const place = this.box.querySelector("[data-hours-cells]");
    place.replaceChildren(table);
    this.table = table;
    this.box.hidden = false;
    this.box.open = window.matchMedia("(min-width: 48rem)").matches;
    this.showNight(this.open.some((day) => day.slice(0, NIGHT).includes(true)));
    this.at = this.firstOpen();
    this.showDay(this.at[0]);
    this.show();
    this.scrollTo(place);
    this.box.addEventListener("toggle", () => this.scrollTo(place), { once: true });
  }

  header(name, scope, day) {
    const cell = document.createElement("th");
    cell.scope = scope;
    if (day !== undefined) cell.dataset.day = day;
    const words = document.createElement("span");
    words.textContent = name;
    cell.append(words);
    return cell;
  }

  firstOpen() {
    const day = Math.max(0, this.open.findIndex((hours) => hours.includes(true)));
    const quarter = this.open[day].indexOf(true);
    return [day, quarter < 0 ? 36 : quarter];
  }

  scrollTo(place) {
    const row = this.cells[0][Math.min(...this.open.map((day) => day.indexOf(true)).filter((first) => first >= 0), 36)];
    place.scrollTop = Math.max(0, row.offsetTop - 2 * row.offsetHeight);
  }

  show() {
    const [from, to] = [this.anchor ?? this.at, this.at];
    const [firstDay, lastDay] = inOrder(from[0], to[0]);
    const [first, last] = inOrder(from[1], to[1]);
    this.open.forEach((hours, day) => hours.forEach((isOpen, quarter) => {
      const cell = this.cells[day][quarter];
      const kept = this.taken[day][quarter];
      const state = kept?.kind ?? (isOpen ? "open" : "closed");
      if (cell.dataset.state !== state || !cell.hasAttribute("aria-label")) {
        cell.dataset.state = state;
        const words = kept ? `${{ booked: "booked, ", held: "held, ", off: "time off, ", busy: "" }[kept.kind]}${kept.label}` : state;
        cell.setAttribute("aria-label", `${this.names[day]}, ${said(quarter)}, ${words}`);
      }
      cell.toggleAttribute("data-open", isOpen);
      const isMarked = this.anchor !== null && day >= firstDay && day <= lastDay && quarter >= first && quarter <= last;
      if (isMarked !== (cell.getAttribute("aria-selected") === "true")) cell.setAttribute("aria-selected", String(isMarked));
      cell.tabIndex = day === this.at[0] && quarter === this.at[1] ? 0 : -1;
    }));
    this.box.querySelector("[data-hours-undo]").disabled = !this.steps.length;
    this.form.toggleAttribute("data-changed", this.isChanged());
  }

  isChanged() {
    return this.form.hasAttribute("data-draft") || JSON.stringify(this.readRows()) !== this.saved;
  }

  showNight(isShown) {
    this.table.toggleAttribute("data-with-night", isShown);
    this.box.querySelector("[data-hours-night]").setAttribute("aria-pressed", String(isShown));
  }

  showDay(day) {
    this.table.dataset.only = day;
    for (const tab of this.box.querySelectorAll("[data-hours-tab]")) {
      tab.setAttribute("aria-pressed", String(Number(tab.dataset.hoursTab) === day));
    }
  }

  stand(day, quarter, isFocused = true) {
    const low = this.table.hasAttribute("data-with-night") ? 0 : NIGHT;
    this.at = [Math.min(DAYS - 1, Math.max(0, day)), Math.min(QUARTERS - 1, Math.max(low, quarter))];
    this.showDay(this.at[0]);
    this.show();
    if (isFocused) this.cells[this.at[0]][this.at[1]].focus();
  }

  // --- Hands ------------------------------------------------------------------------------------
  listen() {
    this.table.addEventListener("keydown", (event) => this.press(event));
    this.table.addEventListener("pointerdown", (event) => this.touch(event));
    this.table.addEventListener("click", (event) => this.tap(event));
    this.table.addEventListener("touchmove", (event) => { if (this.drag) event.preventDefault(); }, { passive: false });
    this.box.addEventListener("click", (event) => this.tool(event));
    this.form.addEventListener("click", (event) => this.button(event));
    this.form.addEventListener("change", (event) => {
      if (!event.target.closest("[data-hours-row]")) return;
      this.remember();
      this.open = this.readRows();
      this.show();
    });
    this.form.addEventListener("submit", () => { this.isSent = true; });
    window.addEventListener("pageshow", () => { this.isSent = false; });
    window.addEventListener("beforeunload", (event) => {
      if (!this.isSent && this.form.isConnected && this.isChanged()) event.preventDefault();
    });
  }

  placeOf(element) {
    const cell = element?.closest?.("[data-cell]");
    return cell && this.table.contains(cell) ? cell.dataset.cell.split(",").map(Number) : null;
  }

  touch(event) {
    const from = this.placeOf(event.target);
    if (!from || event.button !== 0) return;
    this.wasPainted = false;
    if (event.pointerType !== "touch") {
      event.preventDefault();
      this.startDrag(from);
      return;
    }
    // A swipe scrolls; whoever holds still paints.
    const stop = () => {
      clearTimeout(timer);
      for (const name of ["pointerup", "pointercancel", "scroll"]) document.removeEventListener(name, stop, true);
    };
    const timer = setTimeout(() => { stop(); this.startDrag(from); }, HOLD_MS);
    for (const name of ["pointerup", "pointercancel", "scroll"]) document.addEventListener(name, stop, true);
  }

  startDrag(from) {
    const before = JSON.stringify(this.open);
    const isOpen = !this.open[from[0]][from[1]];
    this.anchor = null;
    this.drag = { from, to: from };
    const paint = () => {
      this.open = JSON.parse(before);
      this.fill(from, this.drag.to, isOpen);
      this.at = this.drag.to;
      this.show();
    };
    const move = (event) => {
      const to = this.placeOf(document.elementFromPoint(event.clientX, event.clientY));
      if (!to || String(to) === String(this.drag.to)) return;
      this.drag.to = to;
      paint();
    };
    const end = (isKept) => {
      document.removeEventListener("pointermove", move);
      document.removeEventListener("pointerup", keep);
      document.removeEventListener("pointercancel", drop);
      document.removeEventListener("keydown", escape, true);
      const { to } = this.drag;
      this.drag = null;
      this.wasPainted = true;
      this.open = JSON.parse(before);
      if (isKept) this.fillAloud(from, to, isOpen);
      this.stand(...to);
    };
    const keep = () => end(true);
    const drop = () => end(false);
    const escape = (event) => { if (event.key === "Escape") drop(); };
    document.addEventListener("pointermove", move);
    document.addEventListener("pointerup", keep);
    document.addEventListener("pointercancel", drop);
    document.addEventListener("keydown", escape, true);
    paint();
  }

  // A tap of a finger, or a press by a program that has no pointer.
  tap(event) {
    const place = this.placeOf(event.target);
    if (!place || this.wasPainted) {
      this.wasPainted = false;
      return;
    }
    this.anchor = null;
    this.fillAloud(place, place, !this.open[place[0]][place[1]]);
    this.stand(...place);
  }

  press(event) {
    const place = this.placeOf(event.target);
    if (!place || event.altKey) return;
    const [day, quarter] = place;
    const from = this.anchor ?? place;
    if (event.ctrlKey || event.metaKey) {
      if (event.key === "c") this.copied = day;
      else if (event.key === "v" && this.copied !== null) this.copyDay(this.copied, [day]);
      else if (event.key === "z") this.undo();
      else return;
    } else if (event.key in STEPS) {
      this.anchor = event.shiftKey ? from : null;
      this.stand(day + STEPS[event.key][0], quarter + STEPS[event.key][1]);
    } else if (event.key === "Home" || event.key === "End") {
      this.anchor = event.shiftKey ? from : null;
      this.stand(day, event.key === "Home" ? 0 : QUARTERS - 1);
    } else if (event.key === " ") this.fillAloud(from, place, !this.open[from[0]][from[1]]);
    else if (event.key === "Enter") this.fillAloud(from, place, true);
    else if (event.key === "Delete" || event.key === "Backspace") this.fillAloud(from, place, false);
    else if (event.key === "Escape" && this.anchor) {
      this.anchor = null;
      this.show();
    } else return;
    event.preventDefault();
  }

  tool(event) {
    const tool = event.target.closest("button");
    if (!tool) return;
    if (tool.matches("[data-hours-undo]")) this.undo();
    if (tool.matches("[data-hours-night]")) this.showNight(!this.table.hasAttribute("data-with-night"));
    if (tool.matches("[data-hours-tab]")) this.stand(Number(tool.dataset.hoursTab), this.at[1], false);
  }

  // The buttons that the server answers where there is no script.
  button(event) {
    const [verb, number] = (event.target.closest("button[name=do]")?.value ?? "").split("-d");
    const day = Number(number);
    if (verb === "add") this.addRow(day);
    else if (verb === "clear") this.change(() => this.open[day].fill(false), `Closed ${this.names[day]}`);
    else if (verb === "clear-week") this.change(() => this.open.forEach((hours) => hours.fill(false)), "Closed the week");
    else if (verb === "copy" && number === "ay") this.copyChosen();
    else return;
    event.preventDefault();
  }

  copyChosen() {
    const { copy_from: from, copy_to: to } = this.form.elements;
    const groups = { workdays: [0, 1, 2, 3, 4], all: [0, 1, 2, 3, 4, 5, 6] };
    this.copyDay(Number(from.value), groups[to.value] ?? [Number(to.value)]);
  }
}

export function bind(root) {
  const forms = [...root.querySelectorAll("[data-hours]")];
  if (root.matches?.("[data-hours]")) forms.push(root);
  for (const form of forms) new Week(form);
}
