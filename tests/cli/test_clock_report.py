"""``tfserver clock-report``."""

from __future__ import annotations

from typing import Any

from tests.cli.stub import Answer, StubCase, problem, punch

TERMINAL = {"sn": "A", "count": 3, "first": "x", "last": "y", "worst_offset_ms": -420_000}


def page(cursor: str | None, *rows: dict[str, Any]) -> dict[str, Any]:
    """A page of the report."""
    return {"punches": list(rows), "terminals": [TERMINAL], "next": cursor}


class ReportTests(StubCase):
    """What is printed."""

    def test_terminals(self) -> None:
        """A line for each terminal, with filters that go to the server."""
        self.stub.on("GET /clock-report", page("5-0", punch(1, confidence="measured")))
        done = self.ask("clock-report", "--sn", "A", "--since", "x")
        self.assertEqual(done.out.splitlines()[1].split(), ["A", "3", "x", "y", "-420", "s"])
        self.assertEqual(self.only().query, {"sn": "A", "since": "x", "limit": "1"})

    def test_nothing(self) -> None:
        """A sentence when all is well."""
        self.stub.on("GET /clock-report", {"punches": [], "terminals": [], "next": None})
        self.assertIn("no punch was taken", self.ask("clock-report").out)

    def test_punches(self) -> None:
        """A line for each punch, of all pages."""
        one, other = (punch(n, confidence="doubtful", offset_ms=None) for n in (1, 2))
        self.stub.on("GET /clock-report", page("1-0", one), page(None, other))
        lines = self.ask("clock-report", "--punches").out.splitlines()
        self.assertEqual([line.split()[0] for line in lines], ["id", "1-0", "2-0"])
        self.assertTrue(lines[1].endswith("doubtful"))
        self.assertEqual(self.stub.asked[1].query["cursor"], "1-0")

    def test_csv(self) -> None:
        """CSV as the server writes it, page after page under one heading."""
        link = '</api/v1/clock-report?limit=1000&cursor=1-0>; rel="next"'
        first = Answer(200, "id,sn\r\n1-0,A\r\n", {"Link": link})
        self.stub.on("GET /clock-report", first, Answer(200, "id,sn\r\n2-0,A\r\n"))
        self.assertEqual(self.ask("clock-report", "--csv").out, "id,sn\r\n1-0,A\r\n2-0,A\r\n")
        self.assertEqual([asked.query.get("cursor") for asked in self.stub.asked], [None, "1-0"])

    def test_refused(self) -> None:
        """A refusal is told with the server's words."""
        for words in ((), ("--csv",), ("--punches",)):
            self.stub.on("GET /clock-report", problem(503, "the archive is away"))
            done = self.ask("clock-report", *words)
            self.assertEqual((done.status, done.out), (1, ""))
            self.assertIn("the archive is away", done.err)
