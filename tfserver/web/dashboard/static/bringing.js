// A file with people goes to the server as it is; rows are looked at behind the answer.

import { upload } from "./api.js";
import { tellWhy } from "./notices.js";

const form = document.querySelector("[data-import]");
const isLines = (name) => /\.(ndjson|jsonl)$/i.test(name);

form?.addEventListener("submit", async (happened) => {
  happened.preventDefault();
  const button = happened.submitter;
  if (button.getAttribute("aria-busy") === "true") return;
  const { file, dry_run: dry, on_error: stops } = form.elements;
  const chosen = file.files[0];
  const asked = new URLSearchParams({ dry_run: dry.checked, on_error: stops.checked ? "stop" : "skip" });
  button.setAttribute("aria-busy", "true");
  try {
    const media = isLines(chosen.name) ? "application/x-ndjson" : "text/csv";
    const made = await upload("POST", `${form.dataset.import}?${asked}`, chosen, media);
    location.assign(`/people/imports/${encodeURIComponent(made.id)}`);
  } catch (failed) {
    tellWhy(failed, failed.errors?.map((each) => `${each.field}: ${each.message}`));
  } finally {
    button.removeAttribute("aria-busy");
  }
});
