// Times stand in the terminal's zone; on hover, or when focused, the viewer's own is shown.

import { words } from "./notices.js";

const format = new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: "medium", timeStyle: "long", numberingSystem: "latn" });

function title(happened) {
  const time = happened.target.closest?.("time[datetime]");
  if (time && !time.title) time.title = words.viewer.replace("%s", format.format(new Date(time.dateTime)));
}
document.addEventListener("pointerover", title);
document.addEventListener("focusin", title);
