"""``tfserver punches``."""

from __future__ import annotations

import csv
import io
import json
from unittest import mock

from tests.cli.stub import Answer, StubCase, problem, punch
from tfserver.cli import punches


def page(cursor: str, *rows: dict[str, object]) -> dict[str, object]:
    """A page of the feed."""
    return {"punches": list(rows), "next": cursor}


class PunchesTests(StubCase):
    """The feed to its end."""

    def test_lines(self) -> None:
        """A line for each, in order of arrival, page after page, until nothing new comes."""
        self.stub.on("GET /punches", page("1-0", punch(1)), page("2-0", punch(2, kind="door")), page("2-0"))
        done = self.ask("punches")
        self.assertEqual((done.status, done.err), (0, ""))
        self.assertEqual([line.split()[2] for line in done.out.splitlines()], ["1", "door"])
        self.assertEqual([asked.query["after"] for asked in self.stub.asked], ["0", "1-0", "2-0"])

    def test_empty_page_with_new_cursor(self) -> None:
        """A page whose rows were all filtered out is not the end."""
        self.stub.on("GET /punches", page("1-0"), page("2-0", punch(2)), page("2-0"))
        self.assertEqual(len(self.ask("punches").out.splitlines()), 1)

    def test_filters(self) -> None:
        """Filters go to the server."""
        self.stub.on("GET /punches", page("0"))
        filters = {"sn": "A", "enrollid": "7", "site": "Lisbon", "kind": "door", "since": "x", "until": "y"}
        self.ask("punches", *[word for name, value in filters.items() for word in (f"--{name}", value)])
        self.assertEqual(self.only().query, {**filters, "after": "0", "limit": "1000"})

    def test_json(self) -> None:
        """One object a line, as the API tells it."""
        self.stub.on("GET /punches", page("2-0", punch(1), punch(2)), page("2-0"))
        lines = self.ask("punches", "--json").out.splitlines()
        self.assertEqual([json.loads(line) for line in lines], [punch(1), punch(2)])

    def test_csv(self) -> None:
        """CSV is the server's, byte for byte, asked for at once."""
        self.stub.on("GET /punches", Answer(200, "id,sn\r\n1-0,Zürich\r\n"))
        done = self.ask("punches", "--csv", "--sn", "A")
        self.assertEqual((done.status, done.out), (0, "id,sn\r\n1-0,Zürich\r\n"))
        self.assertEqual(self.only().query, {"after": "0", "sn": "A"})
        self.assertEqual(self.only().accept, "text/csv")

    def test_csv_cut_off(self) -> None:
        """What is cut off by the server is a failure, and what came of it is printed."""
        self.stub.on("GET /punches", Answer(200, "id,sn\r\n", {"Content-Length": "100"}))
        done = self.ask("punches", "--csv")
        self.assertEqual((done.status, done.out), (3, "id,sn\r\n"))
        self.assertIn("not whole", done.err)

    def test_csv_refused(self) -> None:
        """A refusal is told with the server's words."""
        self.stub.on("GET /punches", problem(503, "archive sqlite x: away"))
        done = self.ask("punches", "--csv")
        self.assertEqual((done.status, done.out), (1, ""))
        self.assertIn("archive sqlite x: away", done.err)

    def test_csv_followed(self) -> None:
        """CSV that is followed has one heading, and what needs quoting is quoted."""
        end = problem(410, "gone")
        self.stub.on("GET /punches", page("1-0", punch(1, site='Li"s,bon')), page("2-0", punch(2)), end)
        with mock.patch.object(punches, "POLL_SECONDS", 0):
            out = self.ask("punches", "--csv", "--follow").out
        first, second = csv.DictReader(io.StringIO(out))
        self.assertEqual((first["site"], first["enrollid"]), ('Li"s,bon', "1"))
        self.assertEqual((second["id"], second["temp"]), ("2-0", ""))

    def test_gone(self) -> None:
        """A cursor that is gone is status 1, with the server's words, also when following."""
        self.stub.on("GET /punches", problem(410, "punches behind 1-0 are gone"))
        for words in ((), ("--follow",)):
            done = self.ask("punches", "--after", "1-0", *words)
            self.assertEqual((done.status, done.out), (1, ""))
            self.assertIn("punches behind 1-0 are gone", done.err)

    def test_doubtful_time(self) -> None:
        """A punch whose time can't be told is shown by what the terminal sent, and marked."""
        row = punch(1, time=None, device_time="0000-00-00 00:00:00", clock="unknown")
        self.stub.on("GET /punches", page("1-0", row), page("1-0"))
        line = self.ask("punches").out
        self.assertTrue(line.startswith("0000-00-00 00:00:00"))
        self.assertTrue(line.endswith("clock unknown\n"))


class FollowTests(StubCase):
    """``--follow``."""

    def follow(self) -> tuple[int, int]:
        """Follow until the feed is gone; status, and lines printed."""
        with mock.patch.object(punches, "POLL_SECONDS", 0):
            done = self.ask("punches", "--follow")
        return done.status, len(done.out.splitlines())

    def test_goes_on(self) -> None:
        """At the end of the feed it waits and asks again."""
        end = problem(410, "gone")
        self.stub.on("GET /punches", page("1-0", punch(1)), page("1-0"), page("2-0", punch(2)), end)
        self.assertEqual(self.follow(), (1, 2))

    def test_server_away(self) -> None:
        """A server that is away for a while is asked again from the same place."""
        away = (problem(503, "the store is away"), Answer(502, "bad gateway"))
        self.stub.on(
            "GET /punches", page("1-0", punch(1)), *away, page("2-0", punch(2)), problem(410, "gone")
        )
        self.assertEqual(self.follow(), (1, 2))
        self.assertEqual(
            [asked.query["after"] for asked in self.stub.asked], ["0", "1-0", "1-0", "1-0", "2-0"]
        )

    def test_away_from_the_beginning(self) -> None:
        """A server that is away at once is a failure: perhaps the URL is wrong."""
        self.stub.on("GET /punches", problem(503, "the store is away"))
        self.assertEqual(self.follow(), (1, 0))
