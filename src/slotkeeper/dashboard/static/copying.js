// A text that is to be copied: its button copies it and says so; without the right to, all of it is selected.
"use strict";

for (const button of document.querySelectorAll("[data-copy]")) {
  const text = document.getElementById(button.dataset.copy);
  button.hidden = false;
  button.addEventListener("click", async () => {
    text.focus();
    text.select();
    try {
      await navigator.clipboard.writeText(text.value);
      button.parentElement.querySelector("[role=status]").textContent = button.dataset.done;
    } catch {
      // What is selected is copied by hand.
    }
  });
}
for (const text of document.querySelectorAll(".copyable textarea")) {
  text.addEventListener("focus", () => text.select());
}
