// Suggestions under a box: ARIA 1.2 list autocomplete. Without it the box is a plain one.
// An option is a link, or has data-value, which it puts into the box.
const WAIT_MS = 150;
const FEWEST = 2;
let number = 0;

function connect(holder) {
  const input = holder.querySelector("input");
  const list = document.createElement("div");
  const id = `suggestions-${(number += 1)}`;
  let timer = 0;
  let request = null;
  let active = -1;

  list.id = id;
  list.className = "suggestions";
  list.hidden = true;
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", "Suggestions");
  holder.append(list);
  for (const [name, value] of [["role", "combobox"], ["aria-autocomplete", "list"], ["aria-expanded", "false"], ["aria-controls", id]]) {
    input.setAttribute(name, value);
  }

  const options = () => [...list.querySelectorAll("[role=option]")];

  function close() {
    clearTimeout(timer);
    request?.abort();
    list.hidden = true;
    input.setAttribute("aria-expanded", "false");
    mark(-1);
  }

  function mark(index) {
    const all = options();
    all[active]?.setAttribute("aria-selected", "false");
    active = index;
    const option = all[index];
    if (!option) {
      input.removeAttribute("aria-activedescendant");
      return;
    }
    option.setAttribute("aria-selected", "true");
    option.scrollIntoView({ block: "nearest" });
    input.setAttribute("aria-activedescendant", option.id);
  }

  function show(html) {
    mark(-1);
    list.innerHTML = html;
    const all = options();
    all.forEach((option, place) => { option.id = `${id}-${place}`; });
    list.hidden = all.length === 0;
    input.setAttribute("aria-expanded", String(!list.hidden));
    if (list.hidden) return;
    const words = all.length === 1 ? "1 suggestion" : `${all.length} suggestions`;
    document.dispatchEvent(new CustomEvent("announce", { detail: words }));
  }

  async function ask() {
    // An older question is given up, so its late answer never replaces a newer one.
    request?.abort();
    const mine = new AbortController();
    request = mine;
    const said = input.value.trim();
    // An empty box offers what was searched before; one letter says nothing yet.
    if (said.length > 0 && said.length < FEWEST) {
      close();
      return;
    }
    try {
      const address = `${holder.dataset.combobox}?q=${encodeURIComponent(said.slice(0, 200))}`;
      const answer = await fetch(address, { signal: mine.signal });
      if (!answer.ok) return;
      const html = await answer.text();
      if (request === mine && !mine.signal.aborted && document.activeElement === input) show(html);
    } catch {
      // Given up or offline: the box itself still works.
    }
  }

  input.addEventListener("input", () => {
    clearTimeout(timer);
    request?.abort();
    timer = setTimeout(ask, WAIT_MS);
  });

  input.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    const count = options().length;
    const isOpen = !list.hidden;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      if (!isOpen && event.key === "ArrowDown") ask();
      if (!isOpen) return;
      event.preventDefault();
      // One place beyond the list is the box itself.
      const step = event.key === "ArrowDown" ? 1 : -1;
      mark(((active + 1 + step + count + 1) % (count + 1)) - 1);
    } else if (event.key === "Escape" && isOpen) {
      // What the box stands in stays open.
      event.preventDefault();
      event.stopPropagation();
      close();
    } else if (event.key === "Escape" && input.type === "search") {
      input.value = "";
    } else if (event.key === "Enter" && isOpen && active >= 0) {
      event.preventDefault();
      options()[active].click();
    } else if (event.key === "Tab") {
      close();
    }
  });

  // A press on an option must not take the focus, or the list would be gone before the click.
  list.addEventListener("mousedown", (event) => event.preventDefault());
  list.addEventListener("click", (event) => {
    const option = event.target.closest("[data-value]");
    if (!option) return;
    input.value = option.dataset.value;
    close();
    input.dispatchEvent(new Event("change", { bubbles: true }));
  });
  input.addEventListener("focus", () => { if (!input.value.trim()) ask(); });
  input.addEventListener("blur", close);
  input.form.addEventListener("submit", close);
}

export function bind(root) {
  const inside = root.querySelectorAll("[data-combobox]");
  for (const holder of root.matches?.("[data-combobox]") ? [root, ...inside] : inside) {
    if (!holder.querySelector("[role=listbox]")) connect(holder);
  }
}
