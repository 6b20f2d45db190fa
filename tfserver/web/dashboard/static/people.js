// A photo goes to the server as it is; what is wrong with it is told at the field.

import { Refused, upload } from "./api.js";
import { tell, tellWhy, words } from "./notices.js";
import { refresh } from "./patch.js";

const form = document.querySelector("[data-photo]");

function mark(text) {
  const field = form.elements.record;
  form.querySelector(".wrong")?.remove();
  field.toggleAttribute("aria-invalid", false);
  if (!text) return;
  const told = document.createElement("span");
  told.className = "wrong";
  told.id = "wrong-photo";
  told.dir = "auto";
  told.textContent = text;
  field.setAttribute("aria-invalid", "true");
  field.setAttribute("aria-describedby", told.id);
  field.after(told);
  field.focus();
}

form?.addEventListener("submit", async (happened) => {
  happened.preventDefault();
  const button = happened.submitter;
  if (button.getAttribute("aria-busy") === "true") return;
  const mend = form.elements.mend.checked ? "?mend=true" : "";
  button.setAttribute("aria-busy", "true");
  mark("");
  try {
    await upload("PUT", form.dataset.photo + mend, form.elements.record.files[0], "image/jpeg");
    tell(words.done);
    form.reset();
    await refresh();
  } catch (failed) {
    const told = failed instanceof Refused ? failed.errors.map((each) => each.message).join("; ") : "";
    if (told) mark(told); else tellWhy(failed);
  } finally {
    button.removeAttribute("aria-busy");
  }
});
