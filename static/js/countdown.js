// Time left until data-expires-at, by the server's clock: data-server-now is when the page was made.
const WARN_AT = [120, 30];

const tell = (text) => document.dispatchEvent(new CustomEvent("announce", { detail: text }));
const asWords = (seconds) => {
  const parts = [[Math.floor(seconds / 60), "minute"], [seconds % 60, "second"]];
  return parts.filter(([count]) => count)
    .map(([count, unit]) => `${count} ${unit}${count === 1 ? "" : "s"}`).join(" ");
};
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
  let previous = null;

  const tick = () => {
    if (!element.isConnected) return clearInterval(timer);
    const seconds = Math.max(0, Math.ceil((total - (performance.now() - startedAt)) / 1000));
    left.textContent = asClock(seconds);
    element.classList.toggle("countdown-soon", seconds <= 120);
    // A sleeping tab may wake after a mark: it is told what is left then, once.
    const passed = seconds > 0 && WARN_AT.filter((mark) => seconds <= mark && !warned.has(mark));
    if (passed?.length) {
      passed.forEach((mark) => warned.add(mark));
      if (previous !== null || WARN_AT.includes(seconds)) tell(`${asWords(seconds)} left.`);
    }
    previous = seconds;
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
