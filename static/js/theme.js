// Runs before the first paint, so that a chosen theme never flashes. Classic script on purpose.
(() => {
  const KEY = "theme";
  const root = document.documentElement;

  const read = () => {
    try {
      return localStorage.getItem(KEY) || "system";
    } catch {
      return "system";
    }
  };

  const apply = (theme) => {
    if (theme === "light" || theme === "dark") root.dataset.theme = theme;
    else delete root.dataset.theme;
  };

  const mark = (group, theme) => {
    for (const button of group.querySelectorAll("button")) {
      button.setAttribute("aria-pressed", String(button.value === theme));
    }
  };

  const choose = (group, theme) => {
    try {
      if (theme === "system") localStorage.removeItem(KEY);
      else localStorage.setItem(KEY, theme);
    } catch {
      // A browser that refuses storage still changes the theme of this page.
    }
    apply(theme);
    mark(group, theme);
  };

  apply(read());
  document.addEventListener("DOMContentLoaded", () => {
    for (const group of document.querySelectorAll("[data-theme-switch]")) {
      group.hidden = false;
      mark(group, read());
      group.addEventListener("click", (event) => {
        const button = event.target.closest("button");
        if (button) choose(group, button.value);
      });
    }
  });
})();
