// Opens <dialog id="dialog"> when htmx has put content into it; the same URL is also a whole page.
function focusFirst(dialog) {
  const wanted = dialog.querySelector("[data-error-summary], [autofocus], [data-focus]");
  wanted?.focus();
}

export function open(dialog) {
  if (!dialog.childElementCount) return;
  if (dialog.open) return;
  dialog.showModal();
  focusFirst(dialog);
}

const dialog = document.getElementById("dialog");
let pressedOn = null;

// A drag that starts on words and ends outside, to select them, is no press on the backdrop.
dialog.addEventListener("pointerdown", (event) => { pressedOn = event.target; });

// Close buttons are links to where the page came from; here they only close.
dialog.addEventListener("click", (event) => {
  const isBackdrop = event.target === dialog && pressedOn === dialog;
  if (!isBackdrop && !event.target.closest("[data-dialog-close]")) return;
  event.preventDefault();
  dialog.close();
});

dialog.addEventListener("close", () => {
  dialog.replaceChildren();
  // The browser gives the focus back to what opened it, unless a swap took that away meanwhile.
  if (document.activeElement === document.body) document.getElementById("main").focus({ preventScroll: true });
});
