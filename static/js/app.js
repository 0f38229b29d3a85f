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
const IS_WRONG = [402, 409, 422];

function focusWanted(root) {
  (root.querySelector("[data-error-summary]") || root.querySelector("[data-focus]"))?.focus();
}

function markTitle(isError) {
  const plain = document.title.replace(/^Error: /, "");
  document.title = isError ? `Error: ${plain}` : plain;
}

focusWanted(document);
document.addEventListener("htmx:afterSettle", (event) => {
  const status = event.detail.xhr?.status;
  markTitle(IS_WRONG.includes(status) || document.querySelector("[data-error-summary]") !== null);
  // What the page fetched by itself must not pull the reader away.
  if (event.detail.requestConfig?.elt?.hasAttribute("data-quiet")) return;
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
  button.style.minWidth = `${button.getBoundingClientRect().width}px`;
  button.dataset.label = label.textContent;
  button.setAttribute("aria-disabled", "true");
  label.textContent = button.dataset.busyLabel || "Working…";
  const spinner = document.createElement("span");
  spinner.className = "spinner";
  spinner.setAttribute("aria-hidden", "true");
  button.prepend(spinner);
  announce(label.textContent);
}

function showReady(form) {
  delete form.dataset.sent;
  stopWaiting(form);
  for (const button of form.querySelectorAll("[data-label]")) {
    button.querySelector(".spinner")?.remove();
    (button.querySelector("span") || button).textContent = button.dataset.label;
    button.removeAttribute("aria-disabled");
    button.style.minWidth = "";
    delete button.dataset.label;
  }
}

// A browser that calls itself offline may be wrong about a server on the same machine: ask.
function sendWhenReachable(form, submitter) {
  const again = () => {
    form.dataset.reachable = "true";
    form.requestSubmit(submitter);
    delete form.dataset.reachable;
  };
  fetch("/healthz", { method: "HEAD", cache: "no-store" }).then(again, () => notify(OFFLINE));
}

// In the capture phase, before htmx sees the event.
document.addEventListener("submit", (event) => {
  const form = event.target;
  const isKept = !navigator.onLine && form.method === "post" && !form.dataset.reachable;
  if (isKept || (form.matches("[data-once]") && form.dataset.sent)) {
    event.preventDefault();
    event.stopImmediatePropagation();
    if (isKept) sendWhenReachable(form, event.submitter);
    return;
  }
  if (!form.matches("[data-once]")) return;
  form.dataset.sent = "true";
  const button = event.submitter || form.querySelector("[type=submit], button:not([type])");
  // After the browser has collected the form, so that the pressed button's value is still sent.
  if (button) setTimeout(() => showBusy(button));
  startWaiting(form, () => {
    showReady(form);
    form.requestSubmit(event.submitter);
  });
}, true);

document.addEventListener("htmx:afterRequest", (event) => {
  const form = event.target.closest("[data-once]");
  if (form) showReady(form);
});

// --- Waiting: the region says it is busy; after 8 seconds people may try again --------------------
const SLOW_MS = 8000;
const waiting = new Map();

function startWaiting(element, again) {
  stopWaiting(element);
  waiting.set(element, setTimeout(() => notify("Still working…", { again }), SLOW_MS));
}

function stopWaiting(element) {
  clearTimeout(waiting.get(element));
  if (waiting.delete(element)) document.querySelector("#toasts > [data-waiting]")?.remove();
}

document.addEventListener("htmx:beforeRequest", (event) => {
  const { elt, target, requestConfig } = event.detail;
  document.querySelector("#toasts > [data-notice]")?.remove();
  target?.setAttribute("aria-busy", "true");
  startWaiting(elt, () => {
    htmx.trigger(elt, "htmx:abort");
    if (!elt.matches("form")) return htmx.ajax(requestConfig.verb, requestConfig.path, { source: elt, target });
    showReady(elt);
    return elt.requestSubmit();
  });
});
document.addEventListener("htmx:afterRequest", (event) => {
  stopWaiting(event.detail.elt);
  event.detail.target?.removeAttribute("aria-busy");
});

// --- Menus: Escape and a press elsewhere close them ----------------------------------------------
function closeMenus(except) {
  for (const menu of document.querySelectorAll("[data-menu][open]")) {
    if (menu !== except) menu.open = false;
  }
}

document.addEventListener("click", (event) => closeMenus(event.target.closest("[data-menu]")));
// A panel that stayed open behind the focus would cover what has it.
document.addEventListener("focusin", (event) => closeMenus(event.target.closest("[data-menu]")));
document.addEventListener("keydown", (event) => {
  const menu = event.key === "Escape" && document.querySelector("[data-menu][open]");
  if (!menu) return;
  menu.open = false;
  menu.querySelector("summary").focus();
});

// --- Hearts: lists repeat them, so they carry no attributes for htmx -----------------------------
document.addEventListener("click", (event) => {
  const heart = event.target.closest(".save");
  if (!heart || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  if (heart.href) window.htmx.ajax("GET", heart.href, "#dialog");
  else window.htmx.ajax("POST", heart.formAction, { source: heart, target: heart, swap: "outerHTML" });
});

// --- Requests that brought nothing to show -------------------------------------------------------
function notify(text, { again } = {}) {
  const notice = document.createElement("div");
  notice.className = again ? "toast" : "toast toast-error";
  notice.setAttribute("role", again ? "status" : "alert");
  notice.toggleAttribute("data-notice", true);
  notice.toggleAttribute("data-waiting", Boolean(again));
  const words = document.createElement("p");
  words.className = "toast-text";
  words.textContent = text;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "button button-quiet button-sm";
  button.textContent = again ? "Try again" : "Close";
  button.addEventListener("click", () => {
    notice.remove();
    document.getElementById("main").focus({ preventScroll: true });
    again?.();
  });
  notice.append(words, button);
  document.querySelector("#toasts > [data-notice]")?.remove();
  document.getElementById("toasts").append(notice);
}

function wordsOf(xhr) {
  const page = new DOMParser().parseFromString(xhr.responseText, "text/html");
  return page.querySelector("[data-error-words]")?.textContent.replace(/\s+/g, " ").trim();
}

document.addEventListener("htmx:sendError", () => notify(navigator.onLine ? FAILED : OFFLINE));
document.addEventListener("htmx:responseError", (event) => notify(wordsOf(event.detail.xhr) || FAILED));
window.addEventListener("online", () => document.querySelector("#toasts > .toast-error[data-notice]")?.remove());

// A page from the back-forward cache is ready again, unless somebody has signed in or out since.
const isSignedIn = String(document.body.hasAttribute("hx-history"));

function lastSignedIn(value) {
  try {
    if (value) localStorage.setItem("signed-in", value);
    return localStorage.getItem("signed-in");
  } catch { return value || isSignedIn; }  // storage is turned off
}

lastSignedIn(isSignedIn);
window.addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  if (lastSignedIn() !== isSignedIn) location.reload();
  document.querySelectorAll("[data-once][data-sent]").forEach(showReady);
  closeMenus();
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
  ["[data-most-bytes]", () => import("./files.js")],
  ["[data-hours]", () => import("./hours.js")],
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
  if (event.target.id !== "dialog") return;
  // Without the script the dialog would stay shut: its address is a whole page.
  const openPage = () => location.assign(event.detail.pathInfo.requestPath);
  import("./dialog.js").then((feature) => feature.open(event.target), openPage);
});
