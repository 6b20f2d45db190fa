"""Enrolment, imports and erasures, as people read them."""

from __future__ import annotations

from tests.web.dashboard.looking import LookingCase
from tests.web.dashboard.test_system import methods, said
from tests.web.erased import PLACE, TOLD
from tests.web.import_samples import AT, IMPORT_ID, an_import
from tests.web.in_memory import ADMIN, BOUND, OPERATOR, READER
from tests.web.people import an_enrolment
from tests.web.samples import ORDER_ID, SN
from tfserver.config import Archive, Privacy
from tfserver.model import Admission, Terminal
from tfserver.people.erasing import CLEARED, kept_by
from tfserver.people.retaining import Due
from tfserver.store.people.enrolments import EnrolmentState
from tfserver.store.people.erasures import PlaceState, Report, ShownPlace, Summary
from tfserver.store.people.imports import ImportState
from tfserver.web.dashboard.people.words_bringing import PLACE_NAMES

HOSTILE = """<script>alert(1)</script>"'><img src=x onerror=alert(1)>"""
BEGIN = ("POST", "/api/v1/enrolments")
ERASE = ("POST", "/api/v1/erasures")


class EnrolmentTests(LookingCase):
    """Guiding somebody at a terminal."""

    def setUp(self) -> None:
        """One terminal is online, one is not, one is at another site."""
        super().setUp()
        ours = {"admission": Admission.APPROVED, "site": "north"}
        self.with_terminals(
            Terminal(SN, name=HOSTILE, online=True, **ours),
            Terminal("AWAY", **ours),
            Terminal("S1", online=True, admission=Admission.APPROVED, site="south"),
        )

    def chosen(self, token: str, path: str = "/people/enrolments") -> list[str]:
        """Terminals that somebody can choose."""
        page = self.look(path, token)
        self.assertEqual(page.all("img"), [])
        return [each.given["value"] for each in page.all("option") if not each.given["value"].isdigit()]

    def test_begin(self) -> None:
        """Only terminals that are there and seen can be chosen; who was asked for is filled in."""
        self.assertEqual(sorted(self.chosen(OPERATOR)), ["S1", SN])
        self.assertEqual(self.chosen(BOUND), [SN])
        page = self.look(f"/people/enrolments?person=7&sn={SN}", OPERATOR)
        self.assertEqual(page.all("input", name="enrollid")[0].given["value"], "7")
        self.assertIn("Ines M", said(page))
        self.assertIn("selected", page.all("option", value=SN)[0].given)
        self.assertEqual(methods(page), {BEGIN})
        self.assertNotIn("Ines M", said(self.look("/people/enrolments?person=7", BOUND)))
        self.assertEqual(methods(self.look("/people/enrolments", READER)), set())

    def test_nobody_there(self) -> None:
        """Without a terminal that is online the page says so."""
        self.with_terminals(Terminal("AWAY", admission=Admission.APPROVED))
        self.people.enrolments.given["listing"] = ([], None)
        told = self.look("/people/enrolments", OPERATOR).texts("p")
        self.assertIn("No terminal is online: enrolment needs one that is.", told)
        self.assertIn("Nobody has enrolled yet.", told)

    def test_list(self) -> None:
        """Who enrolled what where, and how it went; not of terminals at other sites."""
        self.people.enrolments.given["listing"] = ([an_enrolment(), an_enrolment(sn="S1")], "next")
        page = self.look("/people/enrolments", BOUND)
        (row,) = page.texts("tr")[1:]
        for told in ("7", "fingerprint 1", "the person is scanning"):
            self.assertIn(told, row)
        self.assertEqual(len(page.all("a", rel="next")), 1)
        self.assertEqual(len(self.look("/people/enrolments", OPERATOR).texts("tr")[1:]), 2)
        self.people.enrolments.given["listing"] = ([an_enrolment(sn="S1")], "next")
        told = self.look("/people/enrolments", BOUND).texts("p")
        self.assertIn("Nothing was found here.", told)
        self.assertNotIn("Nobody has enrolled yet.", told)

    def test_steps(self) -> None:
        """One that goes on shows the step it is at, and can be stopped."""
        page = self.look(f"/people/enrolments/{ORDER_ID}", OPERATOR)
        (now,) = page.texts("li", aria_current="step")
        self.assertEqual(now, "The person puts finger, face or card on the sensor")
        self.assertEqual(len(page.all("li", **{"class": "past"})), 2)
        self.assertIn("2 scans", said(page))
        self.assertEqual(methods(page), {("DELETE", f"/api/v1/enrolments/{ORDER_ID}")})

    def test_ends(self) -> None:
        """One that is over says how it ended, in words, and leads to another."""
        for state, steps, told in (
            (EnrolmentState.DONE, 5, "done: it is in the directory"),
            (EnrolmentState.REFUSED, 0, "the terminal refused"),
        ):
            self.people.enrolments.given["get"] = an_enrolment(state=state, ended=AT, told=HOSTILE)
            page = self.look(f"/people/enrolments/{ORDER_ID}", OPERATOR)
            self.assertIn(told, said(page))
            self.assertEqual(len(page.all("li", **{"class": "past"})), steps)
            self.assertEqual((methods(page), page.all("img")), (set(), []))
            self.assertIn("Enrol something else here", page.texts("a"))


class ImportTests(LookingCase):
    """People from files."""

    def test_list(self) -> None:
        """Imports with how far they are; who may sends another, at first as a trial."""
        self.people.imports.given["listing"] = [an_import(rows=4, reached=1, wrong=1, dry_run=True)]
        page = self.look("/people/imports", OPERATOR)
        for told in ("waits for its turn", "trial", "25%"):
            self.assertIn(told, page.texts("tr")[1])
        self.assertEqual(len(page.all("form", data_import="/api/v1/imports")), 1)
        self.assertIn("checked", page.all("input", name="dry_run")[0].given)
        self.people.imports.given["listing"] = []
        page = self.look("/people/imports", READER)
        self.assertIn("No file was brought in yet.", page.texts("p"))
        self.assertEqual(page.all("form", data_import="/api/v1/imports"), [])

    def test_one(self) -> None:
        """What came of the rows, and what is wrong with which."""
        told = {"rows": 10, "reached": 11, "made": 6, "changed": 2, "same": 1, "wrong": 1}
        self.people.imports.given["get"] = an_import(state=ImportState.DONE, **told)
        page = self.look(f"/people/imports/{IMPORT_ID}", OPERATOR)
        self.assertEqual(page.texts("dd")[:5], ["10", "6", "2", "1", "1"])
        self.assertIn("expected a number", page.texts("tr")[1])
        self.assertEqual(methods(page), set())

    def test_goes_on(self) -> None:
        """One that goes on is looked at again, and can be stopped."""
        # the first line of a CSV names its columns: row 7 is the sixth person
        told = {"rows": 12, "reached": 7, "made": 2, "same": 3, "wrong": 1}
        self.people.imports.given["get"] = an_import(state=ImportState.WORKING, **told)
        page = self.look(f"/people/imports/{IMPORT_ID}", OPERATOR)
        self.assertEqual(page.all("progress")[0].given["value"], "50")
        self.assertEqual(len(page.all("div", data_every="2")), 1)
        self.assertEqual(methods(page), {("DELETE", f"/api/v1/imports/{IMPORT_ID}")})
        self.people.imports.given["get"] = None
        self.look("/people/imports/nosuch", OPERATOR, 404)


class ErasureTests(LookingCase):
    """Forgetting people, with proof."""

    def test_many_places(self) -> None:
        """Fifty places a page: first the server, then terminals that need somebody before the others."""
        states = [PlaceState.DONE, PlaceState.OPEN, PlaceState.REFUSED]
        places = [ShownPlace("terminal", f"T{n:03}", states[n % 3], None, "", "") for n in range(120)]
        places.append(ShownPlace("directory", None, PlaceState.DONE, None, "", ""))
        told = {**TOLD, "counts": {"done": 41, "open": 40, "refused": 40, "kept": 0}}
        self.people.erasures.given["get"] = Report(**told, places=places)
        page = self.look("/people/erasures/e1", OPERATOR)
        heads = [each.text for each in page.all("th", scope="row")]
        self.assertEqual((len(heads), heads[:3]), (50, ["the directory", "T002", "T005"]))
        self.assertIn("erased 41", " ".join(page.texts("dd")))
        page = self.look("/people/erasures/e1?page=9", OPERATOR)
        self.assertEqual([each.text for each in page.all("th", scope="row")][-1], "T117")

    def test_places(self) -> None:
        """Every place at the server where somebody is kept has a name that people know."""
        known = {*CLEARED, *kept_by(Archive(), Privacy()), "directory", "key"}
        self.assertEqual(known, set(PLACE_NAMES))

    def test_list(self) -> None:
        """Erasures with their places, people whose time is over, and the order for administrators alone."""
        told = {**TOLD, "reason": HOSTILE, "counts": {"done": 2, "waiting": 1, "kept": 0}}
        self.people.erasures.given["listing"] = ([Summary(**told)], "e1")
        self.people.privacy.given["due"] = [Due(41, "2026-01-01", 40)]
        page = self.look("/people/erasures", ADMIN)
        row = page.texts("tr")[1]
        for one in ("erased 2", "waits until the terminal is there 1", "goes on"):
            self.assertIn(one, row)
        self.assertNotIn("kept", row)
        self.assertIn("41", page.texts("li")[-1])
        self.assertEqual((methods(page), page.all("img")), ({ERASE}, []))
        self.assertEqual(methods(self.look("/people/erasures", OPERATOR)), set())
        self.look("/people/erasures", READER, 403)

    def test_report(self) -> None:
        """Each place, how far, and what proves it; one that goes on is looked at again."""
        done = ShownPlace("terminal", "T2", PlaceState.DONE, AT, "getuserinfo says none", "read at noon")
        self.people.erasures.given["get"] = Report(**TOLD, places=[PLACE, done])
        page = self.look("/people/erasures/e0af3", OPERATOR)
        first, second = page.texts("tr")[1:]
        self.assertIn("to be done", first)
        for told in ("T2", "erased", "getuserinfo says none", "read at noon"):
            self.assertIn(told, second)
        self.assertEqual(len(page.all("div", data_every="5")), 1)
        over = {**TOLD, "state": "done", "ended": AT, "proven": True}
        self.people.erasures.given["get"] = Report(**over, places=[done])
        page = self.look("/people/erasures/e0af3", OPERATOR)
        self.assertIn("erased everywhere, and proven", said(page))
        self.assertEqual(page.all("div", data_every="5"), [])
