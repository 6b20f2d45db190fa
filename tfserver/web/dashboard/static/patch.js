// Pages change in place: only what differs is replaced, so nothing flickers and nobody loses their place.

export const MOST_ROWS = 100;

/** What was told of a part, without what this page has put there: the flash of a change, the viewer's own time on hover. */
function told(part) {
  const bare = part.cloneNode(true);
  for (const each of [bare, ...bare.querySelectorAll(".changed, [class=''], time[title]")]) {
    each.classList.remove("changed");
    if (!each.className) each.removeAttribute("class");
    if (each.matches("time")) each.removeAttribute("title");
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

function replace(old, fresh, flash) {
  keepOpen(old, fresh);
  const active = document.activeElement;
  const isHere = old.contains(active);
  if (old.hasAttribute("data-keep") || same(old, fresh) || (isHere && active.matches(TYPED))) return;
  old.replaceWith(fresh);
  if (isHere) {
    // what was pressed may be gone: whoever uses the keyboard goes on from where it stood
    const again = active.id ? document.getElementById(active.id) : null;
    if (!again) fresh.tabIndex = -1;
    (again || fresh).focus({ preventScroll: true });
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
  if (ids(list) === ids(others)) [...others.children].forEach((row) => patchRow(row.outerHTML));
  else if (!list.querySelector(":checked")) { keepOpen(list, others); list.replaceChildren(...others.children); }
}

let waiting = null;
let isUnderWay = false;

/** Load this page anew and put in what differs; several wishes within a moment are one. */
export async function refresh() {
  if (isUnderWay) { waiting = true; return; }
  isUnderWay = true;
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
    if (answer.redirected && new URL(answer.url).pathname === "/sign-in") { location.assign(answer.url); return; }
    if (answer.ok) {
      inPlace(new DOMParser().parseFromString(await answer.text(), "text/html"));
      document.dispatchEvent(new Event("patched"));
    }
  } catch {
    // the stream tells when the server is there again
  } finally {
    isUnderWay = false;
    if (waiting) { waiting = null; setTimeout(refresh, 500); }
  }
}
