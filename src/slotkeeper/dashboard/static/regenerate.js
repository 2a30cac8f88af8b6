// The bar of a regenerate: the answer to the form comes line by line, and each line says how far it is.
"use strict";

const form = document.getElementById("run");
const shown = document.getElementById("progress");

form?.addEventListener("submit", async (event) => {
  event.preventDefault();
  if (form.dataset.sent) return;
  form.dataset.sent = "1";
  const body = new URLSearchParams(new FormData(form));
  const bar = shown.querySelector("progress");
  const [status, alert] = shown.querySelectorAll("p");
  form.hidden = true;
  shown.hidden = false;
  status.textContent = shown.dataset.begun;
  let ended = false;
  const take = (line) => {
    const told = JSON.parse(line);
    if (told.total) {
      bar.max = told.total;
      bar.value = told.done;
    }
    if (told.finished || told.refused) {
      ended = true;
      if (told.finished) bar.value = bar.max;
    }
    status.textContent = told.finished ?? told.said ?? "";
    alert.textContent = told.refused ?? "";
  };
  try {
    const answer = await fetch(form.action, { method: "POST", body, headers: { accept: shown.dataset.accept } });
    if (answer.headers.get("content-type")?.startsWith(shown.dataset.accept)) await each(answer.body, take);
    else return HTMLFormElement.prototype.submit.call(form); // a page says why it was refused
  } catch {
    // What is said below holds for this too.
  }
  if (!ended) alert.textContent = shown.dataset.broken;
});

// Hand over each line of a stream as it comes.
async function each(stream, take) {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const lines = (rest + value).split("\n");
    rest = lines.pop();
    lines.forEach(take);
  }
}
