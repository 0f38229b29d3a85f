// Marks the link of the section in view and keeps it visible in its own strip.
let observer;

function mark(nav, id) {
  for (const link of nav.querySelectorAll("a")) {
    if (link.hash !== `#${id}`) {
      link.removeAttribute("aria-current");
    } else if (!link.hasAttribute("aria-current")) {
      link.setAttribute("aria-current", "true");
      // Only the strip moves: scrollIntoView would move the page too.
      nav.scrollTo({ left: link.offsetLeft - nav.clientWidth / 3 });
    }
  }
}

export function bind() {
  const holder = document.querySelector("[data-sections]");
  const nav = holder?.querySelector("nav");
  observer?.disconnect();
  if (!nav) return;
  const visible = new Set();
  observer = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      if (isIntersecting) visible.add(target.id);
      else visible.delete(target.id);
    }
    const first = [...holder.querySelectorAll("section[id]")].find(({ id }) => visible.has(id));
    if (first) mark(nav, first.id);
  }, { rootMargin: "-120px 0px -50% 0px" });
  for (const section of holder.querySelectorAll("section[id]")) observer.observe(section);
}
