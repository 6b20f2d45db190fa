// The pages of the system: what is shown once, and instants in the viewer's own time.

import { tell } from "./notices.js";

const dialog = document.getElementById("secret");
const shown = dialog?.querySelector("[data-secret]");

// what was made is in the answer alone: it goes from there into the dialog, and away with it
document.addEventListener("answered", (happened) => {
  const value = happened.detail?.[happened.target.dataset.shows];
  if (value && dialog) {
    shown.textContent = value;
    dialog.showModal();
  } else if (document.activeElement?.closest("[data-live]")) {
    // the button that was pressed may go with its row
    document.getElementById("content").focus({ preventScroll: true });
  }
});
const forget = () => { if (shown) shown.textContent = ""; };
dialog?.addEventListener("close", forget);
window.addEventListener("pagehide", () => { forget(); dialog?.close(); });

dialog?.querySelector("[data-copy]").addEventListener("click", async ({ currentTarget }) => {
  try {
    await navigator.clipboard.writeText(shown.textContent);
    currentTarget.textContent = currentTarget.dataset.copied;
  } catch {
    // browsers let nobody copy without https
    getSelection().selectAllChildren(shown);
    tell(currentTarget.dataset.failed, "bad");
  }
});

const twoDigits = (number) => String(number).padStart(2, "0");

/** An instant as fields for date and time take it, in the viewer's own time. */
function local(instant) {
  const at = new Date(instant);
  if (Number.isNaN(at.getTime())) return "";
  const day = `${at.getFullYear()}-${twoDigits(at.getMonth() + 1)}-${twoDigits(at.getDate())}`;
  return `${day}T${twoDigits(at.getHours())}:${twoDigits(at.getMinutes())}`;
}

document.querySelectorAll("[data-instant]").forEach((field) => {
  const sent = field.form.elements[field.dataset.instant];
  if (sent.value) field.value = local(sent.value);
  field.addEventListener("change", () => { sent.value = field.value ? new Date(field.value).toISOString() : ""; });
});
document.addEventListener("submit", ({ target }) => {
  // what is empty need not stand in the address
  if (target.getAttribute("method") === "get") for (const field of target.elements) if (field.name && !field.value) field.disabled = true;
});
