"""Words of the API about plans and terminals that differ, as people read them. Templates translate them."""

from __future__ import annotations

from typing import Final

from tfserver.web.dashboard.languages import mark

STATES: Final = {
    "reading": mark("lists are being read"),
    "ready": mark("ready, nothing is changed yet"),
    "applying": mark("is being carried out"),
    "done": mark("carried out"),
    "cancelled": mark("stopped"),
    "failed": mark("could not be made"),
}
"""Of plans."""
LOOKS: Final = {"ready": "warn", "applying": "warn", "done": "good", "failed": "bad"}
"""Of the same."""
OPS: Final = {
    "remove": mark("take the person off"),
    "remove_credential": mark("take a credential off"),
    "check": mark("read and compare"),
    "credential": mark("put a credential"),
    "name": mark("set the name"),
    "lock": mark("set times and lock group"),
    "unlock": mark("take times and lock group away"),
}
STEPS: Final = {
    "planned": mark("planned"),
    "ordered": mark("ordered"),
    "done": mark("done"),
    "refused": mark("can't be done"),
    "failed": mark("failed"),
    "skipped": mark("not needed any more"),
}
"""Of steps."""
STEP_LOOKS: Final = {"done": "good", "failed": "bad", "refused": "bad", "ordered": "warn"}
DIFFERENCES: Final = {
    "same": mark("as it should be"),
    "different": mark("differs"),
    "new": mark("nobody wants it there"),
    "missing": mark("missing"),
    "unread": mark("there, not read yet"),
    "collision": mark("somebody else has the number"),
}
DIFFERENCE_LOOKS: Final = {"same": "good", "different": "warn", "missing": "warn", "collision": "bad"}
DIFFERS: Final = {
    "name": mark("name"),
    "admin": mark("rights at the menu"),
    "lock": mark("times and lock group"),
}
WHY_REMOVABLE: Final = {
    "expired": mark("validity has ended"),
    "not seen here": mark("not seen here for long"),
    "never seen here": mark("never seen here"),
}
FOREIGN: Final = {"keep": mark("stay"), "remove": mark("are taken off")}
"""What becomes of people that this server did not put there."""
