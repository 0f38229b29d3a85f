// Show what was typed, and say in words how strong a new password is.

const MINIMUM = 10;
const STRONG = 16;

function words(value) {
  if (!value) return "";
  if (value.length < MINIMUM) return `Too short: ${value.length} of at least ${MINIMUM} characters`;
  const isVaried = new Set(value).size >= 8;
  if (value.length >= STRONG && isVaried) return "Strong";
  return isVaried ? "Good" : "Weak: use more different characters";
}

function addToggle(input) {
  const row = document.createElement("div");
  row.className = "field-affix";
  input.replaceWith(row);
  const toggle = document.createElement("button");
  toggle.type = "button";
  toggle.className = "button button-quiet button-sm";
  toggle.textContent = "Show";
  toggle.setAttribute("aria-label", "Show password");
  toggle.setAttribute("aria-pressed", "false");
  toggle.addEventListener("click", () => {
    const isShown = input.type === "text";
    input.type = isShown ? "password" : "text";
    toggle.textContent = isShown ? "Show" : "Hide";
    toggle.setAttribute("aria-pressed", String(!isShown));
  });
  input.form?.addEventListener("submit", () => { input.type = "password"; });
  row.append(input, toggle);
  return row;
}

function addStrength(input, row) {
  const note = document.createElement("p");
  note.className = "field-hint";
  note.setAttribute("role", "status");
  input.addEventListener("input", () => { note.textContent = words(input.value); });
  row.after(note);
}

for (const input of document.querySelectorAll("input[type=password]")) {
  const row = addToggle(input);
  if (input.autocomplete === "new-password") addStrength(input, row);
}
