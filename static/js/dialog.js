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

// Close buttons are links to where the page came from; here they only close.
dialog.addEventListener("click", (event) => {
  const isBackdrop = event.target === dialog;
  const closer = event.target.closest("[data-dialog-close]");
  if (!isBackdrop && !closer) return;
  event.preventDefault();
  dialog.close();
});
dialog.addEventListener("close", () => dialog.replaceChildren());
