// The pages of one terminal: commands are found by typing, a secret path is shown once, the wall moves the rest along.

import { refresh } from "./patch.js";

const PUNCHED_MS = 5000;

const find = document.querySelector("[data-find]");
if (find) {
  find.hidden = false;
  find.querySelector("input").addEventListener("input", (happened) => {
    const words = happened.target.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const subject of document.querySelectorAll("[data-subject]")) {
      const rows = [...subject.querySelectorAll("li")];
      for (const row of rows) row.hidden = !words.every((word) => row.textContent.toLowerCase().includes(word));
      const fits = rows.some((row) => !row.hidden);
      subject.hidden = !fits;
      subject.open = fits && words.length > 0;
    }
  });
}

document.addEventListener("answered", (happened) => {
  if (happened.target.dataset.issue === undefined) return;
  const place = document.querySelector("[data-secret]");
  place.querySelector("bdi").textContent = happened.detail.path;
  place.hidden = false;
});

let due = null;
document.addEventListener("punches", () => {
  due ??= setTimeout(() => { due = null; refresh(); }, PUNCHED_MS);
});

// who chose a command wants to fill it in
document.querySelector("#form form")?.querySelector("input:not([type=hidden]), select, textarea")?.focus();
