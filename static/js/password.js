// Show what was typed, and say in words how strong a new password is.

const MINIMUM = 10;
const STRONG = 16;
const PAUSE_MS = 400;

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
  const hadFocus = document.activeElement === input;
  input.replaceWith(row);
  const toggle = document.createElement("button");
  toggle.type = "button";
  toggle.className = "button button-quiet button-sm";
  const show = (isShown) => {
    input.type = isShown ? "text" : "password";
    toggle.textContent = isShown ? "Hide" : "Show";
    toggle.setAttribute("aria-label", `${toggle.textContent} password`);
  };
  show(false);
  toggle.addEventListener("click", () => show(input.type === "password"));
  input.form?.addEventListener("submit", () => show(false));
  row.append(input, toggle);
  if (hadFocus) input.focus();
  return row;
}

function addStrength(input, row) {
  const note = document.createElement("p");
  note.className = "field-hint";
  note.setAttribute("role", "status");
  let pause;
  // Said when the typing rests, not at every letter.
  input.addEventListener("input", () => {
    clearTimeout(pause);
    pause = setTimeout(() => { note.textContent = words(input.value); }, PAUSE_MS);
  });
  row.after(note);
}

for (const input of document.querySelectorAll("input[type=password]")) {
  const row = addToggle(input);
  if (input.autocomplete === "new-password") addStrength(input, row);
}
