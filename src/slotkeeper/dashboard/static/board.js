// The board: weeks by keys, and cards that change while others book.
"use strict";

const KEYS = { ArrowLeft: "a[rel=prev]", ArrowRight: "a[rel=next]", t: "a[data-today]" };
document.addEventListener("keydown", (event) => {
  if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
  if (event.target.closest("input, select, textarea, .scroll")) return;
  const link = KEYS[event.key] && document.querySelector(KEYS[event.key]);
  if (link) {
    event.preventDefault();
    link.click();
  }
});

const week = document.querySelector("[data-live]");
const POLL = 5000;
let seen = week?.dataset.seen;
let source = null;
let timer = null;
const marks = new WeakMap();

// What differs is put in the place of what was; the focus stays where it is.
function put([cards, counted]) {
  for (const [id, html] of cards) {
    const old = document.getElementById(id);
    if (!old) return location.reload();
    const made = document.createElement("template");
    made.innerHTML = html;
    const card = made.content.firstElementChild;
    if (old.isEqualNode(card)) continue;
    const had = old.contains(document.activeElement);
    old.replaceWith(card);
    if (had) card.querySelector("a")?.focus();
    mark(card);
  }
  for (const [id, kind, left, hint, whole, filled, ai] of counted) {
    const card = document.getElementById(id);
    if (!card) return location.reload();
    card.className = `card${kind}`;
    card.querySelector(".places > *").textContent = left;
    card.querySelector(".hint").textContent = hint;
    const bar = card.querySelector(".fill");
    if (bar) {
      bar.setAttribute("viewBox", `0 0 ${whole} 1`);
      bar.querySelector(".filled").setAttribute("width", filled);
      bar.querySelector(".ai").setAttribute("x", filled);
      bar.querySelector(".ai").setAttribute("width", ai);
    }
    mark(card);
  }
}

// What has just changed is marked for a moment.
function mark(card) {
  card.classList.add("fresh");
  clearTimeout(marks.get(card));
  marks.set(card, setTimeout(() => card.classList.remove("fresh"), 2000));
}

// Where events do not come through, it is asked every few seconds.
async function poll() {
  try {
    const answer = await fetch(`${week.dataset.changes}&seen=${seen}`);
    if (answer.status === 401) return location.reload();
    if (answer.status === 200) {
      const told = await answer.json();
      const before = seen;
      seen = told.seen;
      if (told.news[0].length !== week.querySelectorAll(".card").length || before.split("-")[3] !== seen.split("-")[3]) return location.reload();
      put(told.news);
    }
  } catch {
    // The server is away for a moment.
  }
  timer = setTimeout(poll, POLL);
}

function listen() {
  stop();
  if (!window.EventSource) return poll();
  let isOpen = false;
  source = new EventSource(`${week.dataset.live}&seen=${seen}`);
  source.addEventListener("open", () => { isOpen = true; });
  source.addEventListener("cards", (event) => {
    seen = event.lastEventId;
    put(JSON.parse(event.data));
  });
  source.addEventListener("page", () => location.reload());
  source.addEventListener("error", () => {
    if (source?.readyState === EventSource.CLOSED) {
      stop();
      poll();
    }
  });
  timer = setTimeout(() => {
    if (!isOpen) {
      stop();
      poll();
    }
  }, 2 * POLL);
}

function stop() {
  clearTimeout(timer);
  source?.close();
  source = null;
}

// A board that nobody looks at asks for nothing.
if (week) {
  document.addEventListener("visibilitychange", () => (document.hidden ? stop() : listen()));
  window.addEventListener("pagehide", stop);
  window.addEventListener("pageshow", () => { if (!document.hidden) listen(); });
}
