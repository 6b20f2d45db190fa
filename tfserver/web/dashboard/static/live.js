// What changes, as server-sent events. A page that nobody sees lets go of its connection: browsers have few.

import { ask } from "./api.js";
import { MOST_ROWS, addRows, patchRow, refresh } from "./patch.js";

const HIDDEN_MS = 10_000;
const KEEP_MS = 600_000;
const SOON_MS = 400;
const SPREAD_MS = 800;
const REST_MS = 3000;
const SHARE = 20;
const state = document.querySelector("[data-live-state]");

function show(name) {
  state.dataset.liveState = name;
  state.textContent = state.dataset[name] || "";
}

function wanted() {
  const asked = new URLSearchParams();
  const rows = [...document.querySelectorAll("[data-rows] > [data-sn]")].map((row) => row.dataset.sn);
  if (rows.length) asked.set("rows", rows.slice(0, 200).join());
  const hints = new Set([...document.querySelectorAll("[data-hints]")].flatMap((each) => each.dataset.hints.split(",")));
  if (hints.size) asked.set("hints", [...hints].join());
  const wall = document.querySelector("[data-wall]");
  if (wall) {
    asked.set("wall", "on");
    if (wall.dataset.site) asked.set("site", wall.dataset.site);
  }
  const of = document.querySelector("[data-of]");
  if (of) asked.set("of", of.dataset.of);
  return asked.toString();
}

/** The page as it stands was made before this place of the feeds. */
const since = () => (state.dataset.since ? `&since=${state.dataset.since}` : "");

let source = null;
let asked = "";
let wasOpen = false;
let due = null;
let rest = 0;
let restedAt = 0;

/** Pages that are told at the same moment do not come at the same moment; the longer the server takes, the more
 * rarely. A page of one terminal is told of that one alone, and comes at once. */
function soon() {
  const isOfOne = document.querySelector("[data-of]") !== null;
  const wait = isOfOne ? SOON_MS : Math.max(SOON_MS, restedAt + rest - performance.now()) + Math.random() * SPREAD_MS;
  due ??= setTimeout(async () => {
    due = null;
    const begun = performance.now();
    await refresh();
    restedAt = performance.now();
    rest = Math.max(REST_MS, SHARE * (restedAt - begun));
  }, wait);
}

function open() {
  asked = wanted();
  if (!asked || source || document.hidden) return;
  source = new EventSource(`/live?${asked}${since()}`);
  source.addEventListener("open", () => {
    show("on");
    // an EventSource that comes back says where the page began: the server tells whether it missed something
    if (wasOpen && !since()) soon();
    wasOpen = true;
  });
  source.addEventListener("error", () => {
    show("off");
    if (source.readyState === EventSource.CLOSED) { close(); setTimeout(() => { refresh(); open(); }, 5000); }
  });
  source.addEventListener("rows", (told) => JSON.parse(told.data).forEach(patchRow));
  source.addEventListener("punches", (told) => {
    const wall = document.querySelector("[data-wall]");
    if (wall) addRows(wall, JSON.parse(told.data), MOST_ROWS);
    document.dispatchEvent(new Event("punches"));
  });
  source.addEventListener("hints", soon);
  source.addEventListener("missed", soon);
  // the server is there, but not its store; whatever it tells afterwards says that it is back
  source.addEventListener("away", () => show("off"));
  for (const kind of ["rows", "punches", "hints", "missed"]) source.addEventListener(kind, () => show("on"));
}

function close() {
  source?.close();
  source = null;
}

let hiding = null;
document.addEventListener("visibilitychange", () => {
  clearTimeout(hiding);
  if (document.hidden) hiding = setTimeout(() => { close(); show("off"); }, HIDDEN_MS);
  else open();
});
document.addEventListener("patched", () => {
  if (source?.readyState === EventSource.OPEN) show("on");
  if (source && wanted() !== asked) { close(); open(); }
});
document.addEventListener("stale", () => { if (source) show("off"); });
window.addEventListener("pagehide", close);
window.addEventListener("pageshow", (shown) => { if (shown.persisted) open(); });
// a session that nobody uses ends: a page that is open but hidden counts as used
if (document.querySelector('meta[name="csrf"]').content) {
  setInterval(() => { if (!source) ask("GET", "/api/v1/session").catch(() => {}); }, KEEP_MS);
}
open();
