// Behaviour of the frame: announcements, focus after a swap, double submits, menus, lost requests.
// Pages work without it. Features of single pages are fetched only where their hook is.

const live = document.getElementById("live");
const OFFLINE = "You're offline. We kept what you typed.";
const FAILED = "That didn't work. What you typed is kept. Try again.";

function announce(text) {
  if (!live) return;
  live.textContent = "";
  // A changed node in a later task is what screen readers notice.
  setTimeout(() => { live.textContent = text; }, 50);
}

document.addEventListener("announce", (event) => announce(event.detail));

// --- Focus: an error summary first, else a heading that asks for it ------------------------------
function focusWanted(root) {
  const wanted = root.querySelector("[data-error-summary]") || root.querySelector("[data-focus]");
  if (!wanted) return;
  wanted.focus();
  const isError = wanted.hasAttribute("data-error-summary");
  if (isError && !document.title.startsWith("Error: ")) document.title = `Error: ${document.title}`;
}

focusWanted(document);
document.addEventListener("htmx:afterSettle", (event) => {
  focusWanted(event.target);
  const words = event.target.querySelector("[data-announce]");
  if (words) announce(words.textContent.trim());
});

// An error link moves focus into the field, not only the view.
document.addEventListener("click", (event) => {
  const link = event.target.closest("[data-error-summary] a[href^='#']");
  const field = link && document.getElementById(link.hash.slice(1));
  if (!field) return;
  event.preventDefault();
  field.scrollIntoView({ block: "center" });
  field.focus({ preventScroll: true });
});

// --- Submit once: the second press of a form with data-once does nothing -------------------------
function showBusy(button) {
  const label = button.querySelector("span") || button;
  button.style.minWidth = `${button.offsetWidth}px`;
  button.dataset.label = label.textContent;
  button.setAttribute("aria-disabled", "true");
  label.textContent = button.dataset.busyLabel || "Working…";
  announce(label.textContent);
}

function showReady(form) {
  delete form.dataset.sent;
  for (const button of form.querySelectorAll("[data-label]")) {
    (button.querySelector("span") || button).textContent = button.dataset.label;
    button.removeAttribute("aria-disabled");
    delete button.dataset.label;
  }
}

// In the capture phase, before htmx sees the event.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.matches("[data-once]")) return;
  if (form.dataset.sent) {
    event.preventDefault();
    event.stopImmediatePropagation();
    return;
  }
  form.dataset.sent = "true";
  const button = event.submitter || form.querySelector("[type=submit], button:not([type])");
  // After the browser has collected the form, so that the pressed button's value is still sent.
  if (button) setTimeout(() => showBusy(button));
}, true);

document.addEventListener("htmx:afterRequest", (event) => {
  const form = event.target.closest("[data-once]");
  if (form) showReady(form);
});

// A page from the back-forward cache is ready again.
window.addEventListener("pageshow", (event) => {
  if (event.persisted) document.querySelectorAll("[data-once][data-sent]").forEach(showReady);
});

// --- Menus: Escape and a press elsewhere close them ----------------------------------------------
function closeMenus(except) {
  for (const menu of document.querySelectorAll("[data-menu][open]")) {
    if (menu !== except) menu.open = false;
  }
}

document.addEventListener("click", (event) => closeMenus(event.target.closest("[data-menu]")));
document.addEventListener("keydown", (event) => {
  const menu = event.key === "Escape" && document.querySelector("[data-menu][open]");
  if (!menu) return;
  menu.open = false;
  menu.querySelector("summary").focus();
});

// --- Requests that brought nothing to show -------------------------------------------------------
function showAlert(text) {
  const toast = document.createElement("div");
  toast.className = "toast toast-error";
  toast.setAttribute("role", "alert");
  const words = document.createElement("p");
  words.className = "toast-text";
  words.textContent = text;
  toast.append(words);
  document.getElementById("toasts").replaceChildren(toast);
}

document.addEventListener("htmx:sendError", () => showAlert(navigator.onLine ? FAILED : OFFLINE));
document.addEventListener("htmx:responseError", (event) => {
  const { xhr } = event.detail;
  const wait = xhr.status === 429 && xhr.getResponseHeader("Retry-After");
  showAlert(wait ? `Too many tries. Wait ${wait} seconds.` : FAILED);
});
document.addEventListener("htmx:beforeRequest", () => {
  document.querySelector("#toasts > .toast-error:not([data-toast])")?.remove();
});

// --- Features by hook ----------------------------------------------------------------------------
const FEATURES = [
  ["[data-expires-at]", () => import("./countdown.js")],
  ["[data-toast]", () => import("./toasts.js")],
  ["[data-calendar]", () => import("./calendar.js")],
  ["[data-times]", () => import("./times.js")],
  ["[data-combobox]", () => import("./combobox.js")],
  ["[data-results]", () => import("./results.js")],
  ["[data-sections]", () => import("./sections.js")],
];

function bind(root) {
  for (const [hook, load] of FEATURES) {
    const isHere = root.matches?.(hook) || root.querySelector(hook);
    if (isHere) load().then((feature) => feature.bind(root));
  }
}

bind(document);
document.addEventListener("htmx:load", (event) => {
  if (event.target !== document.body) bind(event.target);
});
document.addEventListener("htmx:afterSwap", (event) => {
  if (event.target.id === "dialog") import("./dialog.js").then((feature) => feature.open(event.target));
});
