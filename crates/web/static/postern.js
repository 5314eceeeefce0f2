// What pages do beyond showing. Each of them works without this.
"use strict";

// Figures that change by themselves: <span data-figure="mail.outgoing">. Not asked for while nobody looks.
const FIGURES = "/odoo/figures";
const EVERY = 10000;

async function refresh(places) {
  if (document.hidden) return;
  const answer = await fetch(FIGURES, { headers: { Accept: "application/json" }, redirect: "error" });
  if (!answer.ok) return;
  const figures = await answer.json();
  for (const place of places) {
    const figure = figures[place.dataset.figure];
    if (figure === undefined || place.textContent === String(figure)) continue;
    place.textContent = String(figure);
  }
}

const places = [...document.querySelectorAll("[data-figure]")];
if (places.length > 0) {
  // A server that is away for a moment is asked again the next time.
  setInterval(() => refresh(places).catch(() => {}), EVERY);
}

// Buttons that copy the text of an input: <button data-copy="id of the input" hidden>.
for (const button of document.querySelectorAll("[data-copy]")) {
  const input = document.getElementById(button.dataset.copy);
  if (!input || !navigator.clipboard) continue;
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(input.value);
    button.textContent = button.dataset.copied;
  });
}

// A button that cannot be undone asks first: <button data-ask="the question">.
for (const button of document.querySelectorAll("[data-ask]")) {
  button.addEventListener("click", (event) => {
    if (!window.confirm(button.dataset.ask)) event.preventDefault();
  });
}
