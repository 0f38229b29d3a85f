"""Questions to a page in the browser: what axe finds, what is cut off, what hides the focus."""

from typing import Any, Final

from axe_playwright_python.base import AXE_SCRIPT

MODES: Final = ((1280, "light"), (390, "light"), (390, "dark"), (1280, "dark"))
COLOURS: Final = ("color-contrast",)
"""The one rule that looks at colours: asked in every mode, all others once wide and once narrow."""
HEIGHT: Final = 900

SIDEWAYS: Final = """() => {
  const wide = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= wide) return [];
  return [...document.querySelectorAll("body *")]
    .filter((e) => e.getBoundingClientRect().right > wide + 1)
    .slice(0, 5).map((e) => e.outerHTML.slice(0, 120));
}"""

CUT_OFF: Final = """() => [...document.querySelectorAll(
    "h1, h2, h3, p, .button, .chip, .badge, .slot-face, .nav-link, label, td, th")]
  .filter((e) => e.checkVisibility({ visibilityProperty: true }) && !e.closest(".visually-hidden"))
  .filter((e) => getComputedStyle(e).overflow !== "visible" || e.matches(".button, .chip"))
  .filter((e) => e.scrollWidth > e.clientWidth + 1 || e.scrollHeight > e.clientHeight + 2)
  .map((e) => e.outerHTML.slice(0, 120))"""

SPACING: Final = """() => {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`* { line-height: 1.5 !important; letter-spacing: 0.12em !important;
    word-spacing: 0.16em !important; } p { margin-bottom: 2em !important; }`);
  document.adoptedStyleSheets = [sheet];
}"""

FOCUS: Final = """() => {
  const e = document.activeElement;
  if (!e || e === document.body) return { name: "" };
  const box = e.getBoundingClientRect();
  const around = [e, e.nextElementSibling, e.parentElement, e.closest(".card, .search-box")];
  const ring = around.some((a) => {
    const style = a && getComputedStyle(a);
    return style && style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
  });
  const x = Math.min(Math.max(box.left + box.width / 2, 1), innerWidth - 1);
  const [first, last] = [Math.max(box.top + 2, 1), Math.min(box.bottom - 2, innerHeight - 1)];
  const hidden = [first, (first + last) / 2, last].every((y) => {
    const top = document.elementFromPoint(x, y);
    return !top || Boolean(top.closest(".site-header, .bottom-bar, .toasts")) && !e.contains(top)
      && !top.contains(e) && !around.some((a) => a && a.contains(top));
  });
  const at = `${Math.round(box.top)} to ${Math.round(box.bottom)} of ${innerHeight}`;
  return { name: e.outerHTML.slice(0, 120), ring, hidden, at };
}"""
# Watched from within the page: a wait of the browser's driver evaluates text again and again,
# which the policy for scripts refuses from the second time on.
SEEN_SOON: Final = f"""async () => {{
  for (let frame = 0; frame < 120; frame += 1) {{
    if (!({FOCUS})().hidden) return true;
    await new Promise(requestAnimationFrame);
  }}
  return false;
}}"""

UNMARKED: Final = """() => [...document.querySelectorAll(
    ".button, .chip, .slot-face, .card, .tile, input, select, textarea")]
  .filter((e) => e.checkVisibility() && !e.matches(
    ".chip-input, .slot-input, .search-box input, [type=hidden], [type=checkbox], [type=radio]"))
  .filter((e) => {
    const style = getComputedStyle(e);
    return parseFloat(style.borderTopWidth) < 1 || style.borderTopStyle === "none";
  }).map((e) => e.outerHTML.slice(0, 120))"""

MOVING: Final = """() => [...document.querySelectorAll("*")]
  .filter((e) => {
    const style = getComputedStyle(e);
    const longest = (text) => Math.max(...text.split(",").map(parseFloat));
    return longest(style.animationDuration) > 0.001 || longest(style.transitionDuration) > 0.001;
  }).map((e) => e.outerHTML.slice(0, 120))"""


def axe_violations(
    page: Any, *, only: tuple[str, ...] = (), without: tuple[str, ...] = ()
) -> list[str]:
    """Run the rules, or only the named ones, on the page as it looks now; a line per finding."""
    if not page.evaluate("Boolean(window.axe)"):
        page.evaluate(AXE_SCRIPT)
    rules = {"target-size": {"enabled": True}, **{name: {"enabled": False} for name in without}}
    options: dict[str, Any] = {"rules": rules, "resultTypes": ["violations"]}
    if only:
        options |= {"rules": {}, "runOnly": {"type": "rule", "values": list(only)}}
    found = page.evaluate("(options) => axe.run(document, options)", options)
    return [
        f"{violation['id']}: {node['target']} {node['html'][:160]} "
        + "; ".join(check["message"] for check in node["any"] + node["all"] + node["none"])
        for violation in found["violations"]
        for node in violation["nodes"]
    ]
