// Who could not be taken into a group is told: the answer of the API is all that knows.

import { tell } from "./notices.js";

const MOST = 20;

document.addEventListener("answered", ({ target, detail }) => {
  for (const kind of ["unknown", "full"]) {
    const numbers = target.dataset[kind] ? detail?.[kind] || [] : [];
    if (!numbers.length) continue;
    const shown = numbers.slice(0, MOST).join(", ") + (numbers.length > MOST ? " …" : "");
    tell(target.dataset[kind].replace("%s", shown), "bad");
  }
});
