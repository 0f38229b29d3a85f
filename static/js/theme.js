// Runs before the first paint, so that a chosen theme never flashes. Classic script on purpose.
(() => {
  const KEY = "theme";
  const root = document.documentElement;

  // What the account says, unless this browser was told otherwise.
  const own = root.dataset.theme || "system";
  const read = () => {
    try {
      return localStorage.getItem(KEY) || own;
    } catch {
      return own;
    }
  };

  // The browser's own bars follow too: one of the two colours serves both schemes.
  const paintBars = (theme) => {
    for (const meta of document.querySelectorAll("meta[name='theme-color']")) {
      meta.dataset.scheme ||= meta.media.includes("dark") ? "dark" : "light";
      const { scheme } = meta.dataset;
      const chosen = theme === scheme ? "all" : "not all";
      meta.media = theme === "light" || theme === "dark" ? chosen : `(prefers-color-scheme: ${scheme})`;
    }
  };

  const apply = (theme) => {
    if (theme === "light" || theme === "dark") root.dataset.theme = theme;
    else delete root.dataset.theme;
    paintBars(theme);
  };

  const mark = (group, theme) => {
    for (const button of group.querySelectorAll("button")) {
      button.setAttribute("aria-pressed", String(button.value === theme));
    }
  };

  const choose = (group, theme) => {
    try {
      if (theme === own) localStorage.removeItem(KEY);
      else localStorage.setItem(KEY, theme);
    } catch {
      // A browser that refuses storage still changes the theme of this page.
    }
    apply(theme);
    mark(group, theme);
  };

  const groups = () => document.querySelectorAll("[data-theme-switch]");
  const follow = () => {
    apply(read());
    groups().forEach((group) => mark(group, read()));
  };

  apply(read());
  // Chosen in another tab, or while this page waited in the back-forward cache.
  addEventListener("storage", follow);
  addEventListener("pageshow", (event) => event.persisted && follow());
  document.addEventListener("DOMContentLoaded", () => {
    // Just saved in the settings: that is what this browser shows from now on, too.
    if (document.querySelector("[data-theme-saved]")) {
      try {
        localStorage.removeItem(KEY);
      } catch {
        // Nothing is kept here.
      }
      apply(own);
    }
    for (const group of groups()) {
      group.hidden = false;
      mark(group, read());
      group.addEventListener("click", (event) => {
        const button = event.target.closest("button");
        if (button) choose(group, button.value);
      });
    }
  });
})();
