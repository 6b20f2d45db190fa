"""``tfserver completeness``."""

from __future__ import annotations

from typing import Any

from tests.cli.stub import StubCase, problem

UNTIL = "2026-04-02T08:00:00.000Z"
GAP = {"from": UNTIL, "to": "2026-04-02T09:00:00.000Z", "found": UNTIL, "why": "its log memory was full"}


def one(sn: str, **changed: Any) -> dict[str, Any]:
    """A terminal as the API tells of it."""
    found = {
        "sn": sn,
        "site": "Lisbon",
        "until": UNTIL,
        "why": "it was read",
        "since": "2026-03-26",
        "gaps": [],
    }
    return {**found, "complete": None, **changed}


def page(*terminals: dict[str, Any], **changed: Any) -> dict[str, Any]:
    """An answer."""
    found = {"until": UNTIL, "why": "SA: it was read", "complete": None, "gaps": [], "next": None}
    return {**found, "terminals": list(terminals), **changed}


class CompletenessTests(StubCase):
    """Asked for all, for a day, for gaps."""

    def test_all(self) -> None:
        """A sentence for all, and a line for each."""
        self.stub.on(
            "GET /completeness", page(one("SA"), one("SB", until=None, since=None, why="never read"))
        )
        done = self.ask("completeness")
        self.assertEqual((done.status, done.err), (0, ""))
        lines = done.out.splitlines()
        self.assertEqual(lines[0], f"everything up to {UNTIL} is here; it is held back by SA: it was read")
        self.assertRegex(lines[2], rf"^SA +Lisbon +{UNTIL} +2026-03-26 +0 +it was read$")
        self.assertRegex(lines[3], r"^SB +Lisbon +not known +all +0 +never read$")

    def test_exit_codes(self) -> None:
        """0 when it is complete: the day that was asked for, else everything so far; 1 when it is not."""
        gap = {"sn": "SA", **GAP}
        for changed, words, status in (
            ({}, (), 0),
            ({"until": None}, (), 1),
            ({"gaps": [gap]}, (), 1),
            ({"complete": True}, ("--day", "2026-04-01"), 0),
            ({"complete": True, "gaps": [gap]}, ("--day", "2026-04-01"), 0),
            ({"complete": False}, ("--day", "2026-04-01"), 1),
        ):
            self.stub.on("GET /completeness", page(one("SA"), **changed))
            self.assertEqual(self.ask("completeness", *words).status, status, changed)

    def test_words(self) -> None:
        """What is said of it."""
        for changed, words in (
            (
                {"until": None, "why": "SB: never read"},
                "not known until when everything is here: SB: never read",
            ),
            ({"complete": True}, "complete"),
            ({"complete": False, "why": "SB: never read"}, "not complete: SB: never read"),
        ):
            self.stub.on("GET /completeness", page(**changed))
            self.assertEqual(self.ask("completeness").out, f"{words}\n")

    def test_gaps(self) -> None:
        """Gaps are told with whose they are."""
        self.stub.on("GET /completeness", page(one("SA", gaps=[GAP]), gaps=[{"sn": "SA", **GAP}]))
        told = f"gap of SA from {UNTIL} to 2026-04-02T09:00:00.000Z: its log memory was full"
        self.assertEqual(self.ask("completeness").out.splitlines()[-1], told)

    def test_query(self) -> None:
        """What is meant goes along, and nothing else."""
        self.stub.on("GET /completeness", page(complete=True))
        self.ask(
            "completeness", "--site", "Lisbon", "--day", "2026-04-01", "--except", "SA", "--except", "SB"
        )
        query = {"site": "Lisbon", "day": "2026-04-01", "except": "SA,SB", "limit": "1000"}
        self.assertEqual(self.only().query, query)

    def test_all_pages(self) -> None:
        """The terminals of all pages are one list, for programs too."""
        self.stub.on("GET /completeness", page(one("SA"), next="SA"))
        self.stub.on("GET /completeness?cursor=SA", page(one("SB")))
        found = self.ask("completeness", "--json").json
        self.assertEqual(([row["sn"] for row in found["terminals"]], found["next"]), (["SA", "SB"], None))
        self.assertEqual((found["until"], found["why"]), (UNTIL, "SA: it was read"))

    def test_acknowledge(self) -> None:
        """Gaps of one terminal are acknowledged first; then it tells how things are."""
        self.stub.on("DELETE /completeness/SA/gaps", one("SA"))
        self.stub.on("GET /completeness", page(one("SA")))
        self.assertEqual(self.ask("completeness", "--sn", "SA", "--acknowledge", UNTIL).status, 0)
        asked = [(asked.method, asked.query.get("until")) for asked in self.stub.asked]
        self.assertEqual(asked, [("DELETE", UNTIL), ("GET", None)])

    def test_wrong(self) -> None:
        """Wrong usage is 2, and asks nobody; what the server refuses is 1."""
        for words in (("--acknowledge", UNTIL), ("--day", "yesterday")):
            self.assertEqual(self.ask("completeness", *words).status, 2)
        self.assertEqual(self.stub.asked, [])
        self.stub.on("GET /completeness", problem(422, "except: expected serial numbers"))
        self.assertEqual(self.ask("completeness", "--except", "a b").status, 1)
