// Files that are together larger than the server takes are put back at once: sending them would cost
// what was typed. The server refuses them, too.
const MEGABYTE = 1024 * 1024;

function check(input) {
  const field = input.closest(".field");
  field.querySelector("[data-too-large]")?.remove();
  const most = Number(input.dataset.mostBytes);
  const size = [...input.files].reduce((sum, file) => sum + file.size, 0);
  if (size <= most) return;
  input.value = "";
  const words = document.createElement("p");
  words.className = "field-error";
  words.setAttribute("role", "alert");
  words.toggleAttribute("data-too-large", true);
  words.textContent = `These pictures have ${Math.ceil(size / MEGABYTE)} MB, more than the ${Math.round(most / MEGABYTE)} MB that we take. Choose fewer or smaller ones.`;
  input.before(words);
}

export function bind(root) {
  for (const input of root.querySelectorAll("[data-most-bytes]")) {
    if (input.dataset.bound) continue;
    input.dataset.bound = "true";
    input.addEventListener("change", () => check(input));
  }
}
