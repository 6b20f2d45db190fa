"""The wall of punches, as people read it."""

from __future__ import annotations

from tests.web.dashboard.looking import LookingCase
from tests.web.in_memory import BOUND
from tests.web.samples import a_row
from tfserver.model import Admission, Terminal
from tfserver.web.dashboard.punches.wall import SHOWN

HOSTILE = """<script>alert(1)</script>"'><img src=x onerror=alert(1)>"""


class WallTests(LookingCase):
    """The newest punches."""

    def rows(self, path: str = "/punches", token: str | None = None) -> list[str]:
        """What stands in the rows of the wall."""
        page = self.look(path, token) if token else self.look(path)
        return [each.text for each in page.elements if each.given.get("id", "").startswith("p-")]

    def test_newest_first(self) -> None:
        """The last punch comes first, and only so many are shown."""
        self.feed.rows[:] = [a_row(uid=f"u{at}", enrollid=1000 + at) for at in range(SHOWN + 5)]
        rows = self.rows()
        self.assertEqual(len(rows), SHOWN)
        self.assertIn(str(1000 + SHOWN + 4), rows[0])

    def test_told(self) -> None:
        """A row says what happened in words."""
        self.feed.rows[:] = [
            a_row(uid="a", kind="door", event=5, enrollid=0),
            a_row(uid="b", kind="stranger", enrollid=99_999_999),
            a_row(
                uid="c", direction="in", verify="face", external_id="HR-9", device_time="2026-04-02 08:00:01"
            ),
            a_row(uid="d", clock="suspect", repeat_of="c", direction="out", verify="iris"),
        ]
        second, first, stranger, door = self.rows()
        for one in ("went out", "suspect clock", "double tap", "iris"):
            self.assertIn(one, second)
        for one in ("came in", "face", "HR-9", "2026-04-02 08:00:01", "17"):
            self.assertIn(one, first)
        self.assertNotIn("suspect", first)
        self.assertIn("stranger", stranger)
        self.assertNotIn("99999999", stranger)
        self.assertIn("door forced open", door)

    def test_names_of_terminals(self) -> None:
        """A row names its terminal, by whatever letters the punch did."""
        self.with_terminals(Terminal("A1B2", name="Front door", site="north", admission=Admission.APPROVED))
        self.feed.rows[:] = [a_row(uid="a", sn="a1b2")]
        (row,) = self.rows()
        self.assertIn("Front door", row)

    def test_site(self) -> None:
        """Only punches of the site that was chosen, now and later."""
        self.with_terminals(Terminal("A", site="south", admission=Admission.APPROVED))
        self.feed.rows[:] = [a_row(uid="a", enrollid=11), a_row(uid="b", enrollid=22, site="south")]
        page = self.look("/punches?site=south")
        self.assertEqual([each.given.get("data-site") for each in page.all("tbody")], ["south"])
        self.assertEqual(len(self.rows("/punches?site=south")), 1)
        self.assertIn("south", page.texts("option"))

    def test_bound(self) -> None:
        """Who is bound to sites sees no punches and no names of others."""
        self.with_terminals(Terminal("A", site="south", admission=Admission.APPROVED))
        self.feed.rows[:] = [a_row(uid="a", enrollid=11), a_row(uid="b", enrollid=22, site="south")]
        rows = self.rows(token=BOUND)
        self.assertEqual((len(rows), "11" in rows[0]), (1, True))
        self.assertNotIn("south", self.look("/punches", BOUND).texts("option"))
        self.assertEqual(self.rows("/punches?site=south", BOUND), [])

    def test_empty(self) -> None:
        """Without punches the page says what will come."""
        self.assertIn("shows up here at once", " ".join(self.look("/punches").texts("p")))

    def test_hostile(self) -> None:
        """What terminals send is text and nothing else."""
        names = ("device_time", "verify", "external_id", "site")
        self.feed.rows[:] = [a_row(**dict.fromkeys(names, HOSTILE))]
        page = self.look("/punches")
        self.assertEqual(page.all("img"), [])
        self.assertEqual([each for each in page.all("script") if not each.given.get("src")], [])
        self.assertIn("alert(1)", self.rows()[0])
