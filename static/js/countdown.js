// Time left until data-expires-at, by the server's clock: data-server-now is when the page was made.
const WARN_AT = new Map([[120, "2 minutes left."], [30, "30 seconds left."]]);

const tell = (text) => document.dispatchEvent(new CustomEvent("announce", { detail: text }));
const asClock = (seconds) => `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;

function finish(element) {
  element.classList.add("countdown-over");
  tell("Your hold ended.");
  const notice = document.getElementById(element.dataset.reveal || "");
  if (notice) {
    notice.hidden = false;
    notice.querySelector("[tabindex='-1']")?.focus();
  }
  // For htmx: hx-trigger="expired" fetches a fresh fragment; inputs elsewhere stay.
  element.dispatchEvent(new CustomEvent("expired", { bubbles: true }));
}

function start(element) {
  if (element.dataset.running) return;
  element.dataset.running = "true";
  const left = element.querySelector("[data-time-left]");
  const total = new Date(element.dataset.expiresAt) - new Date(element.dataset.serverNow);
  // The monotonic clock: changing the device's clock changes nothing.
  const startedAt = performance.now();
  const warned = new Set();

  const tick = () => {
    if (!element.isConnected) return clearInterval(timer);
    const seconds = Math.max(0, Math.ceil((total - (performance.now() - startedAt)) / 1000));
    left.textContent = asClock(seconds);
    element.classList.toggle("countdown-soon", seconds <= 120);
    for (const [mark, words] of WARN_AT) {
      if (seconds > mark || seconds < mark - 5 || warned.has(mark)) continue;
      warned.add(mark);
      tell(words);
    }
    if (seconds > 0) return undefined;
    clearInterval(timer);
    return finish(element);
  };
  const timer = setInterval(tick, 1000);
  tick();
}

export function bind(root) {
  if (root.matches?.("[data-expires-at]")) start(root);
  root.querySelectorAll("[data-expires-at]").forEach(start);
}
