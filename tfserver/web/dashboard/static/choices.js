// Language and appearance are this browser's: cookies that the server reads when it makes a page.

const YEAR = 31_536_000;

for (const field of document.querySelectorAll("[data-cookie]")) {
  field.addEventListener("click", (happened) => {
    const button = happened.target.closest("button");
    if (!button) return;
    const secure = location.protocol === "https:" ? "; Secure" : "";
    const life = button.value ? YEAR : 0;
    document.cookie = `${field.dataset.cookie}=${button.value}; Path=/; Max-Age=${life}; SameSite=Strict${secure}`;
    location.reload();
  });
}

// a menu closes when somebody looks elsewhere
document.addEventListener("click", (happened) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) if (!menu.contains(happened.target)) menu.open = false;
});
document.addEventListener("keydown", (happened) => {
  if (happened.key !== "Escape") return;
  for (const menu of document.querySelectorAll("details.menu[open]")) { menu.open = false; menu.querySelector("summary").focus(); }
});

// who followed a link from elsewhere may be signed in all the same: browsers keep the cookie back only then
const again = document.querySelector("[data-again]");
if (again) location.replace(again.dataset.again);
