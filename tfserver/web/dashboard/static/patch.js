// Pages change in place: only what differs is replaced, so nothing flickers and nobody loses their place.

export const MOST_ROWS = 100;

/** What was told of a part, without what this page has put there: the flash of a change, the viewer's own time on
 * hover, that it has the focus in place of what is gone. */
function told(part) {
  const bare = part.cloneNode(true);
  for (const each of [bare, ...bare.querySelectorAll(".changed, [class=''], time[title], [data-focused]")]) {
    each.classList.remove("changed");
    if (!each.className) each.removeAttribute("class");
    if (each.matches("time")) each.removeAttribute("title");
    if (each.matches("[data-focused]")) { each.removeAttribute("tabindex"); delete each.dataset.focused; }
  }
  return bare.outerHTML;
}

const same = (old, fresh) => told(old) === fresh.outerHTML;

/** What somebody has opened stays open. */
function keepOpen(old, fresh) {
  for (const each of old.querySelectorAll("details[id][open]")) {
    const other = fresh.querySelector(`#${CSS.escape(each.id)}`);
    if (other) other.open = true;
  }
}

function parsed(html) {
  const made = document.createElement("template");
  made.innerHTML = html;
  return made.content;
}

const TYPED = "input:not([type=checkbox], [type=radio]), select, textarea";

/** Whether somebody has begun to fill something in. */
function isBegun(part) {
  const isChanged = (field) => (field.options
    ? [...field.options].some((option) => option.selected !== option.defaultSelected && (option.defaultSelected || option.index))
    : field.value !== field.defaultValue || field.checked !== field.defaultChecked);
  return [...part.querySelectorAll("input, select, textarea")].some(isChanged);
}

function replace(old, fresh, flash) {
  keepOpen(old, fresh);
  const active = document.activeElement;
  const isHere = old.contains(active);
  if (old.hasAttribute("data-keep") || same(old, fresh) || (isHere && active.matches(TYPED)) || isBegun(old)) return;
  old.replaceWith(fresh);
  if (isHere) {
    // what was pressed may be gone: whoever uses the keyboard goes on from where it stood
    const again = (active.id && document.getElementById(active.id)) || fresh;
    if (again === fresh && fresh.tabIndex < 0) { fresh.tabIndex = -1; fresh.dataset.focused = ""; }
    again.focus({ preventScroll: true });
  }
  if (flash) {
    fresh.classList.add("changed");
    fresh.addEventListener("animationend", () => fresh.classList.remove("changed"), { once: true });
  }
}

/** Put a row in place of the one with the same id, cell by cell; rows that are not there are left out. */
export function patchRow(html) {
  const fresh = parsed(html).querySelector("tr");
  const old = fresh && document.getElementById(fresh.id);
  if (!old) return;
  keepOpen(old, fresh);
  if (same(old, fresh)) return;
  const cells = [...fresh.children];
  if (cells.length !== old.children.length) { old.replaceWith(fresh); return; }
  [...old.children].forEach((cell, place) => replace(cell, cells[place], true));
}

/** Put rows in front of a list, the last one first, and take away what is too much. */
export function addRows(list, rows, most) {
  for (const html of rows) {
    const fresh = parsed(html).querySelector("tr");
    if (!fresh || document.getElementById(fresh.id)) continue;
    fresh.classList.add("changed");
    list.prepend(fresh);
  }
  while (list.children.length > most) list.lastElementChild.remove();
}

/** Rows that came while nobody told of them. */
function fillWall(fresh) {
  const wall = document.querySelector("[data-wall]");
  const other = fresh.querySelector("[data-wall]");
  if (wall && other) addRows(wall, [...other.children].reverse().map((row) => row.outerHTML), MOST_ROWS);
}

function inPlace(fresh) {
  const state = "[data-live-state]";
  document.querySelector(state).dataset.since = fresh.querySelector(state)?.dataset.since || "";
  fillWall(fresh);
  for (const part of document.querySelectorAll("[data-live]")) {
    const other = fresh.getElementById(part.id);
    if (other) replace(part, document.adoptNode(other), false);
  }
  const list = document.querySelector("[data-rows]");
  const others = fresh.querySelector("[data-rows]");
  if (!list || !others) return;
  const ids = (rows) => [...rows.children].map((row) => row.id).join();
  if (ids(list) === ids(others) || !list.querySelector(":checked")) fill(list, [...others.children]);
}

/** Let a list have these rows: those that it has stay where they are, with focus and selection. */
function fill(list, rows) {
  const wanted = new Set(rows.map((row) => row.id));
  [...list.children].forEach((row) => { if (!wanted.has(row.id)) row.remove(); });
  let next = list.firstElementChild;
  for (const fresh of rows) {
    patchRow(fresh.outerHTML);
    const old = document.getElementById(fresh.id);
    if (old && old === next) next = next.nextElementSibling;
    else list.insertBefore(old || fresh, next);
  }
}

let waiting = null;
let isUnderWay = false;
let failed = 0;
let retry = null;

/** What is told once would be lost otherwise: try again, the more rarely the more often that did not help. */
function tryAgain(seconds) {
  failed += 1;
  document.dispatchEvent(new Event("stale"));
  const wait = Math.max(seconds, Math.min(60, 2 ** failed)) + Math.random();
  retry ??= setTimeout(() => { retry = null; refresh(); }, 1000 * wait);
}

/** Load this page anew and put in what differs; several wishes within a moment are one. */
export async function refresh() {
  if (isUnderWay) { waiting = true; return; }
  isUnderWay = true;
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
    if (answer.redirected && new URL(answer.url).pathname === "/sign-in") { location.assign(answer.url); return; }
    if (answer.status === 429 || answer.status >= 500) tryAgain(Number(answer.headers.get("Retry-After")) || 0);
    if (answer.ok) {
      failed = 0;
      inPlace(new DOMParser().parseFromString(await answer.text(), "text/html"));
      document.dispatchEvent(new Event("patched"));
    }
  } catch {
    tryAgain(0);
  } finally {
    isUnderWay = false;
    if (waiting) { waiting = null; setTimeout(refresh, 500); }
  }
}
