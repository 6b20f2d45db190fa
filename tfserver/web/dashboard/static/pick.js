// Several terminals at once: what is chosen in the list gets the same change, one after another, a few at a time.

import { ask } from "./api.js";
import { tell, tellWhy, words } from "./notices.js";
import { refresh } from "./patch.js";

const AT_ONCE = 4;
const bulk = document.getElementById("bulk");
const boxes = () => [...document.querySelectorAll("[data-rows] input[name=sn]")];
let fitting = null; // the numbers of all that fit, on other pages too, when they were chosen together
let isBusy = false;
const onPage = () => boxes().filter((box) => box.checked).map((box) => box.value);
const chosen = () => fitting ?? onPage();

function show() {
  const count = onPage().length;
  bulk.hidden = count === 0;
  if (count === 0) fitting = null;
  bulk.querySelector("[data-picked]").textContent = chosen().length;
  const all = document.querySelector("[data-all]");
  all.checked = count > 0 && count === boxes().length;
  all.indeterminate = count > 0 && !all.checked;
}

async function each(change) {
  isBusy = true;
  try { await eachOf(change); } finally { isBusy = false; }
}

async function eachOf(change) {
  const left = [...chosen()];
  const count = left.length;
  const progress = bulk.querySelector("progress");
  const failed = [];
  let done = 0;
  progress.hidden = false;
  progress.value = 0;
  const work = async () => {
    for (let sn = left.shift(); sn !== undefined; sn = left.shift()) {
      try { await change(sn); } catch (problem) { failed.push([sn, problem]); }
      progress.value = ++done / count;
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  progress.hidden = true;
  const good = count - failed.length;
  tell(words.progress.replace("%d", good).replace("%a", count), failed.length ? "bad" : "good");
  if (failed.length) tellWhy(failed[0][1], failed.slice(0, 5).map(([sn, problem]) => `${sn}: ${problem.message}`));
  boxes().forEach((box) => { box.checked = false; });
  show();
  await refresh();
}

async function chooseFitting(path) {
  try {
    const found = await ask("GET", path);
    boxes().forEach((box) => { box.checked = true; });
    fitting = found.terminals;
    show();
  } catch (problem) { tellWhy(problem); }
}

if (bulk) {
  document.addEventListener("change", (happened) => {
    if (happened.target.matches("[data-all]")) boxes().forEach((box) => { box.checked = happened.target.checked; });
    if (happened.target.matches("[data-all], [name=sn]")) { fitting = null; show(); }
  });
  document.addEventListener("patched", show);
  const terminal = (sn) => `/api/v1/terminals/${encodeURIComponent(sn)}`;
  bulk.addEventListener("submit", (happened) => happened.preventDefault());
  bulk.addEventListener("click", (happened) => {
    const button = happened.target.closest("button");
    if (!button || isBusy) return;
    if (button.dataset.confirm && !window.confirm(`${button.dataset.confirm} (${chosen().length})`)) return;
    if (button.dataset.fitting) chooseFitting(button.dataset.fitting);
    if (button.dataset.each) each((sn) => ask("PATCH", terminal(sn), JSON.parse(button.dataset.each)));
    if (button.dataset.field) {
      const name = button.dataset.field;
      each((sn) => ask("PATCH", terminal(sn), { [name]: bulk.elements[name].value.trim() }));
    }
    if (button.dataset.order !== undefined) each((sn) => ask("POST", `${terminal(sn)}/commands`, { cmd: bulk.elements.cmd.value }));
  });
}
