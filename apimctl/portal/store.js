// What the pages can do better with a script. Without it, all of them work as well.
"use strict";

// Copy buttons: hidden until here, as nothing else can use the clipboard.
for (const button of document.querySelectorAll("button[data-copies]")) {
  if (!navigator.clipboard) continue;
  const said = button.firstChild;
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copies).textContent);
    said.data = "Copied";
    setTimeout(() => { said.data = "Copy"; }, 2000);
  });
}
