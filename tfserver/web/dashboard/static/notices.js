// Short messages in the corner: what was done, and what was refused.

const place = document.getElementById("notices");
const MOST = 4;

/** `kind` is good, bad or empty; the language is that of the page unless another is said. */
export function tell(text, kind = "good", lang = document.documentElement.lang) {
  const made = document.createElement("div");
  made.className = `notice ${kind}`;
  made.dir = "auto";
  made.lang = lang;
  const words = document.createElement("span");
  words.textContent = text;
  const close = document.createElement("button");
  close.type = "button";
  close.textContent = "×";
  close.setAttribute("aria-label", place.dataset.close);
  close.addEventListener("click", () => made.remove());
  made.append(words, close);
  place.append(made);
  while (place.children.length > MOST) place.firstElementChild.remove();
  // what went wrong stays until somebody has read it
  if (kind !== "bad") setTimeout(() => made.remove(), 6000);
}

/** Say why something did not work; `left` is what is not told anywhere else, where a part of it is. */
export function tellWhy(failed, left = []) {
  if (failed instanceof TypeError) tell(place.dataset.away, "bad");
  else tell(left.length ? left.join("; ") : failed.message, "bad", failed.lang);
}

export const words = place.dataset;
