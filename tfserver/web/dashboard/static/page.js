// What every page does.
import "./choices.js";
import "./forms.js";
import "./live.js";
import "./pick.js";
import "./times.js";
import "./every.js";

// on a phone the places within a part run out of the screen: the one that is shown comes into view
document.querySelector(".inside [aria-current]")?.scrollIntoView({ inline: "center", block: "nearest" });
