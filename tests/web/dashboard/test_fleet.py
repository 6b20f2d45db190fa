"""The page of the fleet."""

from __future__ import annotations

import re
from typing import Any

from tests.web.dashboard.html import Element, Page
from tests.web.dashboard.looking import LookingCase
from tests.web.in_memory import BOUND, OPERATOR, READER
from tfserver.model import Admission, Capacity, Clock, Completeness, Gap, Terminal
from tfserver.store.terminal_rows import Claimant
from tfserver.web.dashboard import fleet
from tfserver.web.dashboard.fleet import MOST_WAITING

HOSTILE = """<script>alert(1)</script>"'><img src=x onerror=alert(1)>"""


def a_terminal(sn: str, **more: Any) -> Terminal:
    """An approved terminal that is online, at the site north."""
    known = {"admission": Admission.APPROVED, "online": True, "site": "north", "timezone": "Europe/Rome"}
    return Terminal(sn=sn, **{**known, **more})


class FleetTests(LookingCase):
    """Terminals as rows."""

    def rows(self, page: Page) -> list[str]:
        """The serial numbers of the list."""
        return [each.given["data-sn"] for each in page.all("tr") if "data-sn" in each.given]

    def test_empty(self) -> None:
        """A server without terminals says how one comes to it."""
        page = self.look("/")
        self.assertIn("No terminal has registered yet.", page.texts("p"))

    def test_row(self) -> None:
        """A row has what an operator looks for, times at the terminal."""
        known = {
            "name": "Gate",
            "connected_at": "1970-01-01T05:00:00.000Z", "last_punch": "1969-12-31T23:30:00.000Z",
            "clock_offset_ms": -7200, "clock": Clock.OK, "owner": "host-7", "devinfo": {"firmware": "v6.4"},
            "capacity": {"user": Capacity(3000, 1200, 1800)},
            "completeness": Completeness("1970-01-01T04:00:00.000Z", gaps=(Gap("a", "b", "c", "d"),)),
        }  # fmt: skip
        self.with_terminals(a_terminal("A1", **known))
        row = self.look("/").texts("tr", data_sn="A1")[0]
        for told in (
            "Gate",
            "A1",
            "north",
            "online since 06:00",
            "00:30:00",
            "-7.2 s",
            "05:00",
            "1 gap",
        ):
            self.assertIn(told, row)
        for told in ("people", "40%", "v6.4", "host-7"):
            self.assertIn(told, row)

    def test_who_waits(self) -> None:
        """Terminals that wait come first, with one button each for yes and no; a reader has none."""
        self.with_terminals(a_terminal("A1"), Terminal("NEW1"), Terminal("NEW2"))
        page = self.look("/", OPERATOR)
        self.assertEqual(page.texts("h2"), ["2 terminals wait for your word"])
        self.assertEqual(self.rows(page), ["A1"])
        forms = page.all("form", data_method="PATCH", data_path="/api/v1/terminals/NEW1")
        self.assertEqual([form.text for form in forms], ["Approve", "Deny"])
        values = [each.given["value"] for each in page.all("input", name="admission")]
        self.assertEqual(values, ["approved", "denied"] * 2)
        self.assertEqual(self.look("/", READER).all("form", data_method="PATCH"), [])

    def test_many_wait(self) -> None:
        """A few of them stand before the list; all are a list, where several are decided upon at once."""
        self.with_terminals(a_terminal("A1"), *(Terminal(f"NEW{n:02}", site="north") for n in range(60)))
        page = self.look("/", OPERATOR)
        cards = [each for each in page.all("li") if each.given.get("id", "").startswith("w-")]
        self.assertEqual((len(cards), page.texts("a", id="chip-pending")), (MOST_WAITING, ["60 waiting"]))
        (link,) = [each for each in page.all("a") if "60" in each.text and "list" in each.text]
        page = self.look(link.given["href"], OPERATOR)
        self.assertEqual((len(self.rows(page)), self.rows(page)[0]), (50, "NEW00"))
        self.assertEqual(page.texts("h2"), [])
        self.assertEqual(len(self.fitting(link.given["href"])), 1)
        numbers = self.get("/fleet/numbers?state=pending", OPERATOR).body["terminals"]
        self.assertEqual((len(numbers), "A1" in numbers), (60, False))
        page = self.look("/?site=north", OPERATOR)
        self.assertEqual((self.rows(page), page.texts("h2")), (["A1"], []))
        self.assertIn("60 terminals wait for your word", page.texts("a"))

    def test_silent(self) -> None:
        """Terminals that are online and have sent nothing for a day are found, and counted."""
        self.clock.advance(3 * 86_400)
        self.with_terminals(
            a_terminal("A1", last_punch="1970-01-03T12:00:00.000Z"),
            a_terminal("A2", last_punch="1970-01-01T12:00:00.000Z"),
            a_terminal("A3"),
            a_terminal("A4", online=False),
        )
        page = self.look("/?state=silent")
        self.assertEqual(self.rows(page), ["A2", "A3"])
        self.assertEqual(page.texts("a", id="chip-silent"), ["2 online, no punch for a day"])

    def test_bulk(self) -> None:
        """Several are approved only where all of them wait: elsewhere another device may claim a number."""
        self.with_terminals(a_terminal("A1"), Terminal("NEW1"))
        for path, count in (("/", 0), ("/?state=denied", 0), ("/?state=pending", 1)):
            page = self.look(path, OPERATOR)
            buttons = page.all("button", data_each='{"admission": "approved"}')
            self.assertEqual(len(buttons), count, path)

    def test_claims(self) -> None:
        """Another device under a number that is taken is shown, not to who is bound to sites."""
        self.terminals.given["claimants"] = [Claimant("A1", "cpu-2", "mac-2", "10.0.0.9", 0, {})]
        page = self.look("/", OPERATOR)
        self.assertIn("Approve this device", page.texts("button"))
        self.assertEqual(page.all("input", name="device.cpusn")[0].given["value"], "cpu-2")
        self.assertNotIn("cpu-2", str(self.look("/", BOUND).elements))

    def test_sites(self) -> None:
        """Who is bound to sites sees those, counts and choices too."""
        self.with_terminals(a_terminal("A1"), a_terminal("B1", site="south"), a_terminal("C1", site="east"))
        page = self.look("/", BOUND)
        self.assertEqual(self.rows(page), ["A1", "C1"])
        self.assertEqual(page.texts("option")[:3], ["all sites", "east", "north"])
        self.assertEqual(page.texts("a", id="chip-all"), ["2 all"])

    def test_search_and_order(self) -> None:
        """Words are found in any part, columns sort both ways, and links keep what was asked."""
        one = a_terminal("A1", name="Gate", tags=["roof"], owner="office-2")
        self.with_terminals(one, a_terminal("A2", name="Hall"), a_terminal("A3", name="Attic", online=False))
        self.assertEqual(self.rows(self.look("/?search=GATE+roof")), ["A1"])
        self.assertEqual(self.rows(self.look("/?search=roof+hall")), [])
        self.assertEqual(self.rows(self.look("/?search=office-2")), ["A1"])
        self.assertEqual(self.rows(self.look("/?order=-name")), ["A2", "A1", "A3"])
        self.with_terminals(one, a_terminal("A2"), a_terminal("A3", name="Attic", online=False))
        self.pages.desk.roll.note(["A2"])
        self.assertEqual(self.rows(self.look("/?order=-name")), ["A1", "A3", "A2"])
        self.assertEqual(self.rows(self.look("/?order=name")), ["A3", "A1", "A2"])
        page = self.look("/?state=offline&order=name")
        self.assertEqual(self.rows(page), ["A3"])
        (head,) = page.all("a", href="/?search=&state=offline&site=&order=-name&page=1")
        self.assertEqual(head.text, "Terminal")

    def test_pages(self) -> None:
        """Fifty rows a page; one behind the last is the last."""
        self.with_terminals(*(a_terminal(f"T{n:03}") for n in range(120)))
        page = self.look("/")
        self.assertEqual((len(self.rows(page)), page.texts("a", rel="next")), (50, ["Next"]))
        self.assertIn("Page 1 of 3", page.texts("span"))
        last = self.look("/?page=99")
        self.assertEqual((len(self.rows(last)), last.texts("a", rel="next")), (20, []))
        self.assertEqual(last.texts("a", rel="prev"), ["Back"])

    def fitting(self, path: str) -> list[Element]:
        """The button that chooses all that fit."""
        return [each for each in self.look(path, OPERATOR).all("button") if "data-fitting" in each.given]

    def test_choose_all_that_fit(self) -> None:
        """What fits on other pages can be chosen along; who is bound to sites chooses among those."""
        self.with_terminals(
            *(a_terminal(f"T{n:03}", site="east") for n in range(60)), a_terminal("B1", site="south")
        )
        (button,) = self.fitting("/?site=east")
        self.assertEqual(button.text, "Choose all 60 that fit")
        path = button.given["data-fitting"]
        self.assertEqual(len(self.get(path, OPERATOR).body["terminals"]), 60)
        self.assertEqual(self.get("/fleet/numbers?search=b1", READER).body, {"terminals": ["B1"]})
        self.assertEqual(self.get("/fleet/numbers?search=b1", BOUND).body, {"terminals": []})
        self.assertEqual(self.fitting("/?site=south"), [])
        self.set_bound(fleet, "MOST_CHOSEN", 7)
        self.assertEqual(len(self.get("/fleet/numbers", OPERATOR).body["terminals"]), 7)

    def test_hostile_names(self) -> None:
        """Whatever a terminal says of itself is text."""
        said = {"modelname": HOSTILE, "firmware": HOSTILE}
        self.with_terminals(
            a_terminal("A1", name=HOSTILE, site=HOSTILE, devinfo=said), Terminal("N1", devinfo=said)
        )
        page = self.look("/", OPERATOR)
        self.assertEqual((page.all("img"), len(page.all("script"))), ([], 1))
        self.assertIn(re.sub(r"\s+", " ", HOSTILE), page.texts("a", href="/terminals/A1")[0])

    def test_bad_queries(self) -> None:
        """What can't be shown as asked is told, and loses nothing."""
        for query in ("page=0", "page=x", "state=nosuch", "order=sn", "state=online,offline", "nosuch=1"):
            page = self.look(f"/?{query}", status=422)
            self.assertEqual(page.texts("h1"), ["This can't be shown as asked"])
