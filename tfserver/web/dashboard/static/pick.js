// Several terminals at once: what is chosen in the list gets the same change, one after another, a few at a time.

import { ask } from "./api.js";
import { tell, tellWhy, words } from "./notices.js";
import { refresh } from "./patch.js";

const AT_ONCE = 4;
const bulk = document.getElementById("bulk");
const boxes = () => [...document.querySelectorAll("[data-rows] input[name=sn]")];
const chosen = () => boxes().filter((box) => box.checked).map((box) => box.value);

function show() {
  const count = chosen().length;
  bulk.hidden = count === 0;
  bulk.querySelector("[data-picked]").textContent = count;
  const all = document.querySelector("[data-all]");
  all.checked = count > 0 && count === boxes().length;
  all.indeterminate = count > 0 && !all.checked;
}

async function each(change) {
  const left = chosen();
  const count = left.length;
  const progress = bulk.querySelector("progress");
  const failed = [];
  let done = 0;
  progress.hidden = false;
  progress.value = 0;
  const work = async () => {
    for (let sn = left.shift(); sn !== undefined; sn = left.shift()) {
      try { await change(sn); } catch (problem) { failed.push(`${sn}: ${problem.message}`); }
      progress.value = ++done / count;
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  progress.hidden = true;
  const good = count - failed.length;
  tell(words.progress.replace("%d", good).replace("%a", count), failed.length ? "bad" : "good");
  if (failed.length) tellWhy(new Error(failed.slice(0, 5).join("\n")));
  boxes().forEach((box) => { box.checked = false; });
  show();
  await refresh();
}

if (bulk) {
  document.addEventListener("change", (happened) => {
    if (happened.target.matches("[data-all]")) boxes().forEach((box) => { box.checked = happened.target.checked; });
    if (happened.target.matches("[data-all], [name=sn]")) show();
  });
  document.addEventListener("patched", show);
  const terminal = (sn) => `/api/v1/terminals/${encodeURIComponent(sn)}`;
  bulk.addEventListener("submit", (happened) => happened.preventDefault());
  bulk.addEventListener("click", (happened) => {
    const button = happened.target.closest("button");
    if (!button) return;
    if (button.dataset.each) each((sn) => ask("PATCH", terminal(sn), JSON.parse(button.dataset.each)));
    if (button.dataset.field) {
      const name = button.dataset.field;
      each((sn) => ask("PATCH", terminal(sn), { [name]: bulk.elements[name].value.trim() }));
    }
    if (button.dataset.order !== undefined) each((sn) => ask("POST", `${terminal(sn)}/commands`, { cmd: bulk.elements.cmd.value }));
  });
}
