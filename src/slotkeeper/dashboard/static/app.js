// What every page does besides: all of it works without, only less quickly.
"use strict";

// A choice that shows another page does so at once; its button is for those without a script. Who chooses by keys goes on
// there, on the page that follows.
const CHOSEN = "slotkeeper.chosen";
for (const choice of document.querySelectorAll("select[data-submit]")) {
  choice.addEventListener("change", () => {
    if (choice.matches(":focus-visible")) sessionStorage.setItem(CHOSEN, choice.id);
    choice.form.requestSubmit();
  });
}
const chosen = sessionStorage.getItem(CHOSEN);
sessionStorage.removeItem(CHOSEN);
if (chosen) document.getElementById(chosen)?.focus({ focusVisible: true });
for (const button of document.querySelectorAll(".no-script")) button.hidden = true;

// A form is sent once, however often its button is pressed; coming back to the page frees it again.
document.addEventListener("submit", (event) => {
  if (event.defaultPrevented || event.target.method !== "post") return;
  if (event.target.dataset.sent) event.preventDefault();
  event.target.dataset.sent = "1";
});
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
});

// What is wrong is read first.
document.querySelector("[data-focus]")?.focus();

// Escape closes an open menu and gives the focus back.
document.addEventListener("keydown", (event) => {
  const menu = event.key === "Escape" && event.target.closest?.("details.menu[open]");
  if (menu) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});
