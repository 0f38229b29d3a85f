// A toast leaves after six seconds, but waits while it is read: pointer over it or focus inside.
const SECONDS = 6;

function start(toast) {
  if (toast.dataset.running) return;
  toast.dataset.running = "true";
  const close = toast.querySelector("[data-toast-close]");
  close.hidden = false;
  close.addEventListener("click", () => {
    toast.remove();
    document.getElementById("main").focus({ preventScroll: true });
  });
  // Screen readers stay silent about what was on the page from the start.
  const words = toast.querySelector(".toast-text").textContent.trim();
  document.dispatchEvent(new CustomEvent("announce", { detail: words }));
  if (toast.classList.contains("toast-error")) return;

  let left = SECONDS;
  const timer = setInterval(() => {
    if (toast.matches(":hover, :focus-within") || document.hidden) return;
    left -= 1;
    if (left > 0) return;
    clearInterval(timer);
    toast.remove();
  }, 1000);
}

export function bind(root) {
  if (root.matches?.("[data-toast]")) start(root);
  root.querySelectorAll("[data-toast]").forEach(start);
}
