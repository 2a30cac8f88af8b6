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

// What was typed is kept in this tab until the next page, so that it is not lost where the sign-in had ended: the sign-in
// page lets it be, and the page that it belongs to puts it back. Passwords and files are never kept.
const TYPED = "slotkeeper.typed";
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.method !== "post" || form.querySelector("[type=password], [type=file]")) return;
  const fields = [...new FormData(form)].filter(([name]) => name !== "form_token" && name !== "once");
  const kept = { page: location.pathname, action: form.getAttribute("action"), fields };
  sessionStorage.setItem(TYPED, JSON.stringify(kept));
});
function putBack({ page, action, fields }) {
  const form = [...document.forms].find((one) => one.method === "post" && one.getAttribute("action") === action);
  if (page !== location.pathname || !form) return;
  for (const control of form.elements) {
    const given = fields.filter(([name]) => name === control.name).map(([, text]) => text);
    if (!control.name || ["hidden", "submit"].includes(control.type)) continue;
    if (["checkbox", "radio"].includes(control.type)) control.checked = given.includes(control.value);
    else if (given.length) control.value = given[0];
  }
  document.querySelector("[data-typed]").hidden = false;
  form.querySelector("input:not([type=hidden]), select, textarea")?.focus();
}
const LOST = "slotkeeper.lost";
if (document.querySelector("[data-lost]")) {
  sessionStorage.setItem(LOST, "1");
} else if (document.querySelector("[data-typed]")) {
  const typed = sessionStorage.getItem(LOST) && sessionStorage.getItem(TYPED);
  sessionStorage.removeItem(LOST);
  sessionStorage.removeItem(TYPED);
  if (typed) putBack(JSON.parse(typed));
}

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
