// The results page: where focus goes after a change, and answers that only say "not now".
const NOT_NOW = new Set([429, 503]);
let chip = -1;
let shown = -1;
let isBound = false;

const region = () => document.getElementById("search");
const removers = () => [...region().querySelectorAll("[data-chip] .chip-remove")];
const cards = () => document.querySelectorAll("#cards > .card");

function isOurs(event) {
  return event.detail.target?.id === "search" || event.detail.target?.id === "cards";
}

function remember(event) {
  if (!isOurs(event)) return;
  const { elt } = event.detail;
  chip = removers().indexOf(elt);
  shown = elt.hasAttribute("data-more") ? cards().length : -1;
  region().setAttribute("aria-busy", "true");
}

function allow(event) {
  const { xhr } = event.detail;
  // Only where the answer is this page with its words; other refusals are told in a toast.
  if (!isOurs(event) || !NOT_NOW.has(xhr.status) || !xhr.response.includes('id="search"')) return;
  event.detail.shouldSwap = true;
  event.detail.isError = false;
}

function settle(event) {
  if (event.target.id !== "search" && event.target.id !== "cards") return;
  region().removeAttribute("aria-busy");
  if (region().querySelector("[data-error-summary]")) return;
  const left = removers();
  const next = shown >= 0
    ? cards()[shown]?.querySelector(".card-link")
    : chip >= 0 && left[Math.min(chip, left.length - 1)];
  (next || document.getElementById("results-title"))?.focus({ preventScroll: shown < 0 });
  chip = -1;
  shown = -1;
}

// A link of the error summary may lead into the closed sheet.
function openSheet(event) {
  const link = event.target.closest("[data-error-summary] a[href^='#filter-']");
  const sheet = link && document.getElementById("filters");
  if (sheet && !sheet.checkVisibility()) sheet.showPopover();
}

export function bind() {
  if (isBound) return;
  isBound = true;
  document.addEventListener("htmx:beforeRequest", remember);
  document.addEventListener("htmx:beforeSwap", allow);
  document.addEventListener("htmx:afterSettle", settle);
  document.addEventListener("htmx:sendError", () => region()?.removeAttribute("aria-busy"));
  document.addEventListener("htmx:responseError", () => region()?.removeAttribute("aria-busy"));
  document.addEventListener("click", openSheet, true);
}
