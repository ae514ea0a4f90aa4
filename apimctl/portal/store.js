// What the pages can do better with a script. Without it, all of them work as well.
"use strict";

// Says something to those who hear the page; it is there before it has something to say.
const announcer = document.createElement("p");
announcer.className = "away";
announcer.setAttribute("role", "status");
document.body.append(announcer);

// Copy buttons: hidden until here, as nothing else can use the clipboard.
const SAID_MILLISECONDS = 2000;

for (const button of document.querySelectorAll("button[data-copies]")) {
  if (!navigator.clipboard) continue;
  const shown = button.firstChild;
  const [invitation, subject] = [shown.data, button.textContent.slice(shown.length).trim()];
  const source = document.getElementById(button.dataset.copies);
  button.hidden = false;
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(source.textContent);
      shown.data = "Copied";
      announcer.textContent = `Copied: ${subject}`;
    } catch { // The browser does not let us: what is chosen can be copied by hand.
      getSelection().selectAllChildren(source);
      announcer.textContent = `Not copied. ${subject} is selected: copy it yourself.`;
    }
    setTimeout(() => {
      shown.data = invitation;
      announcer.textContent = "";
    }, SAID_MILLISECONDS);
  });
}

// A form is sent once at a time. Who stops a page that does not come may send it again soon, and
// who comes back to it at once.
const SENDING_MILLISECONDS = 10000;

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.ariaBusy === "true") {
    event.preventDefault();
    return;
  }
  form.ariaBusy = "true";
  setTimeout(() => { form.ariaBusy = null; }, SENDING_MILLISECONDS);
});

window.addEventListener("pageshow", () => {
  for (const form of document.forms) form.ariaBusy = null;
});

// The account's menu closes on Escape, and when something else is looked for.
const menu = document.querySelector("details.whoever");

if (menu) {
  document.addEventListener("click", (event) => {
    if (!menu.contains(event.target)) menu.open = false;
  });
  menu.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !menu.open) return;
    menu.open = false;
    menu.querySelector("summary").focus();
  });
}

// A long list shows what is chosen, and can be searched as one types.
const SHORT_LIST = 8;

for (const list of document.querySelectorAll("[data-search]")) {
  const links = [...list.querySelectorAll("a")];
  const chosen = list.querySelector("[aria-current]");
  if (chosen) list.scrollTop = chosen.offsetTop - list.clientHeight / 2;
  if (links.length <= SHORT_LIST) continue;
  const search = document.createElement("input");
  search.type = "search";
  search.placeholder = list.dataset.search;
  search.ariaLabel = list.dataset.search;
  search.autocomplete = "off";
  list.prepend(search);
  search.addEventListener("input", () => {
    const wanted = search.value.trim().toLowerCase();
    for (const link of links) link.hidden = !link.textContent.toLowerCase().includes(wanted);
    announcer.textContent = `${links.filter((link) => !link.hidden).length} found`;
  });
}
