// Forms with data-method and data-path are sent to the API as JSON; its words about fields are shown at the fields.

import { ask, Refused } from "./api.js";
import { tell, tellWhy, words } from "./notices.js";
import { refresh } from "./patch.js";

const READ = {
  number: (text) => Number(text),
  flag: (text) => text === "true" || text === "on",
  json: (text) => JSON.parse(text),
  list: (text) => text.split(",").map((part) => part.trim()).filter(Boolean),
  numbers: (text) => text.split(",").map((part) => part.trim()).filter(Boolean).map(Number),
  lines: (text) => text.split("\n").map((part) => part.trim()).filter(Boolean),
};

function put(body, name, value) {
  const parts = name.split(".");
  const last = parts.pop();
  let at = body;
  for (const part of parts) at = at[part] ??= {};
  at[last] = value;
}

/** What a form says: fields by name, dots nest; data-as says what a text is; empty ones are left out unless
 * data-empty says what they mean (JSON); data-as="more" holds further fields as JSON. */
export function bodyOf(form) {
  const body = {};
  for (const field of form.elements) {
    if (!field.name || field.disabled || field.dataset.part === "path") continue;
    if (field.type === "radio" && !field.checked) continue;
    if (field.type === "checkbox") {
      if (field.dataset.as === "each") { if (field.checked) (body[field.name] ??= []).push(field.value); else body[field.name] ??= []; }
      else put(body, field.name, field.checked);
      continue;
    }
    if (field.tagName === "SELECT" && field.multiple) {
      put(body, field.name, [...field.selectedOptions].map((each) => each.value));
      continue;
    }
    if (field.value === "") {
      if (field.dataset.empty !== undefined) put(body, field.name, JSON.parse(field.dataset.empty));
      continue;
    }
    if (field.dataset.as === "more") { Object.assign(body, JSON.parse(field.value)); continue; }
    const read = READ[field.dataset.as] || ((text) => text);
    put(body, field.name, read(field.value));
  }
  return body;
}

/** The path with the values of fields that stand in it: {name} is replaced. */
function pathOf(form) {
  return form.dataset.path.replace(/\{(\w+)\}/g, (_, name) => encodeURIComponent(form.elements[name].value.trim()));
}

function unmark(form) {
  form.querySelectorAll(".wrong").forEach((each) => each.remove());
  form.querySelectorAll("[aria-invalid]").forEach((each) => {
    each.removeAttribute("aria-invalid");
    each.removeAttribute("aria-describedby");
  });
}

/** Show at each field what is wrong; gives what belongs to no field here. */
function markWrong(form, { errors, lang }) {
  const left = [];
  errors.forEach(({ field, message }, place) => {
    // what is wrong inside a field, e.g. record[0].name, is told at that field
    const found = form.elements[field] ?? form.elements[field.split(/[.[]/)[0]];
    const input = found instanceof RadioNodeList ? found[0] : found;
    if (!input || input.type === "hidden") { left.push(`${field}: ${message}`); return; }
    const told = document.createElement("span");
    told.className = "wrong";
    told.dir = "auto";
    if (lang) told.lang = lang;
    told.id = `wrong-${form.id || "form"}-${place}`;
    told.textContent = message;
    input.setAttribute("aria-invalid", "true");
    input.setAttribute("aria-describedby", told.id);
    input.after(told);
    if (place === 0) input.focus();
  });
  return left;
}

async function after(form, answer) {
  const then = form.dataset.then;
  form.dispatchEvent(new CustomEvent("answered", { bubbles: true, detail: answer }));
  if (then) {
    // e.g. /people/plans/{id}: what the answer tells stands in the place to go on at
    location.assign(then.replace(/\{(\w+)\}/g, (_, name) => encodeURIComponent(answer[name])));
    return;
  }
  form.closest("dialog")?.close();
  const end = document.querySelector(`#ends [data-state="${CSS.escape(answer?.state ?? "")}"]`);
  if (end && form.dataset.order !== undefined) tell(`${answer.cmd}: ${end.textContent}`, end.dataset.kind);
  else if (form.dataset.quiet === undefined) tell(words.done);
  // what was sent is no longer being filled in, so that the part around it can be made anew
  if (form.dataset.reset !== undefined || form.closest("[data-live]")) form.reset();
  await refresh();
}

async function send(form, button) {
  unmark(form);
  let body;
  try {
    body = form.dataset.method === "DELETE" || form.dataset.method === "GET" ? undefined : bodyOf(form);
  } catch (wrong) {
    tell(wrong.message, "bad");
    return;
  }
  button?.setAttribute("aria-busy", "true");
  try {
    await after(form, await ask(form.dataset.method, pathOf(form), body));
  } catch (failed) {
    const left = failed instanceof Refused ? markWrong(form, failed) : [];
    const isAllShown = failed instanceof Refused && failed.errors.length > 0 && left.length === 0;
    if (!isAllShown) tellWhy(failed, left);
  } finally {
    button?.removeAttribute("aria-busy");
  }
}

document.addEventListener("submit", (happened) => {
  const form = happened.target;
  if (!form.dataset.method) return;
  happened.preventDefault();
  const button = happened.submitter;
  if (button?.getAttribute("aria-busy") === "true") return;
  if (form.dataset.confirm && !window.confirm(form.dataset.confirm)) return;
  send(form, button);
});
