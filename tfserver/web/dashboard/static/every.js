// Parts with data-every are looked at again so often (seconds), while somebody looks and nothing in them is open.

import { refresh } from "./patch.js";

const every = Math.min(...[...document.querySelectorAll("[data-every]")].map((part) => Number(part.dataset.every)));
const isInUse = () => document.querySelector("[data-live] details[open]") || document.querySelector("dialog[open]");
if (Number.isFinite(every)) setInterval(() => { if (!document.hidden && !isInUse()) refresh(); }, every * 1000);
