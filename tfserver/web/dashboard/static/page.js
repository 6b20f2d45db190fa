// What every page does.
import "./choices.js";
import "./forms.js";
import "./live.js";
import "./pick.js";
import "./times.js";
import "./every.js";
