"""Exports on their way out: back-pressure, bounds, and what ends them."""

from __future__ import annotations

import json
from typing import Any

from twisted.internet.defer import Deferred

from tests.web.in_memory import ADMIN, OPERATOR, READER, Connection, Feed, PagesCase, joined
from tests.web.samples import a_row
from tfserver.errors import ArchiveUnavailable, Gone
from tfserver.store import export
from tfserver.web import exports
from tfserver.web.desk import MOST_EXPORTS, MOST_OF_ONE
from tfserver.web.standing import STANDING_SECONDS

PATH = "/api/v1/punches"
CSV, NDJSON = "text/csv", "application/x-ndjson"


class ExportCase(PagesCase):
    """Twenty punches, four in a chunk."""

    def setUp(self) -> None:
        """A feed."""
        super().setUp()
        self.patch_value(export, "PAGE", 4)
        self.feed = Feed(*(a_row(enrollid=n) for n in range(20)))

    def patch_value(self, owner: Any, name: str, value: Any) -> None:
        """Let something be otherwise until the end of the test."""
        self.set_bound(owner, name, value)

    def export(self, query: str = "", token: str = READER, media: str = NDJSON) -> Connection:
        """Somebody asks for an export."""
        return self.begin("GET", PATH + query, b"", token, Accept=media)

    def lines(self, reading: Connection) -> list[Any]:
        """The rows that came until now."""
        return [json.loads(line)["enrollid"] for line in joined(body_of(reading)).splitlines()]

    def slow(self) -> list[Deferred[Any]]:
        """From now on each page of the feed comes when it is let come."""
        waiting: list[Deferred[Any]] = []
        page = self.feed.page

        def later(*args: Any) -> Deferred[Any]:
            waiting.append(Deferred().addCallback(lambda _: page(*args)))
            return waiting[-1]

        self.punches.given["page"] = later
        return waiting

    def begun(self) -> tuple[Connection, list[Deferred[Any]]]:
        """An export whose first chunk is sent, and whose second is awaited."""
        waiting = self.slow()
        reading = self.export()
        waiting.pop().callback(None)
        self.assertEqual(self.lines(reading), list(range(4)))
        return reading, waiting


def body_of(reading: Connection) -> bytes:
    """What came behind the head."""
    return reading.data.partition(b"\r\n\r\n")[2]


def is_whole(reading: Connection) -> bool:
    """Whether the answer has an end."""
    return reading.data.endswith(b"\r\n0\r\n\r\n")


class SendingTests(ExportCase):
    """What is sent."""

    def test_all(self) -> None:
        """Without a limit all comes, and the answer ends."""
        reading = self.export()
        self.assertEqual(self.lines(reading), list(range(20)))
        self.assertTrue(is_whole(reading))
        answer = reading.answer()
        self.assertEqual(answer.headers["content-type"], NDJSON)
        self.assertEqual(answer.headers["cache-control"], "no-store")
        self.assertEqual(answer.headers["content-disposition"], 'attachment; filename="punches.ndjson"')
        self.assertNotIn("link", answer.headers)

    def test_behind_a_place(self) -> None:
        """A cursor and filters hold as in a page."""
        self.assertEqual(self.lines(self.export("?after=5-0")), list(range(5, 20)))
        self.assertEqual(self.lines(self.export("?enrollid=7")), [7])

    def test_end_as_it_was(self) -> None:
        """What comes after it was asked for is not in it."""
        waiting = self.slow()
        reading = self.export()
        self.feed.rows += [a_row(enrollid=99)] * 50
        while waiting:
            waiting.pop().callback(None)
        self.assertEqual(self.lines(reading), list(range(20)))

    def test_with_limit(self) -> None:
        """With a limit it is a page, of known length, with a link to the next."""
        answer = self.export("?limit=3").answer()
        self.assertIn("content-length", answer.headers)
        self.assertIn("after=3-0", answer.headers["link"])

    def test_head(self) -> None:
        """A HEAD reads nothing."""
        answer = self.ask("HEAD", PATH, b"", READER, Accept=CSV)
        self.assertEqual((answer.status, answer.headers["content-type"]), (200, "text/csv; charset=utf-8"))
        self.assertEqual(self.feed.scanned, 0)

    def test_wrong_at_once(self) -> None:
        """What is wrong with the first chunk is an error as always, and holds no place."""
        for wrong, status in ((Gone("gone"), 410), (ArchiveUnavailable("archive away"), 503)):
            for _ in range(MOST_EXPORTS + 1):
                self.punches.given["page"] = wrong
                self.assert_problem(self.get(PATH, Accept=CSV), status)


class ReaderTests(ExportCase):
    """Who reads sets the pace."""

    def test_paused(self) -> None:
        """A transport that is full gets nothing, and no more than one chunk is made ahead."""
        waiting = self.slow()
        reading = self.export()
        waiting.pop().callback(None)
        reading.producer.pauseProducing()
        waiting.pop().callback(None)
        self.assertEqual((self.lines(reading), waiting), (list(range(4)), []))
        reading.producer.resumeProducing()
        self.assertEqual((self.lines(reading), len(waiting)), (list(range(8)), 1))

    def test_stalled(self) -> None:
        """Who takes nothing for long is cut off; who takes a little now and then is not."""
        reading, waiting = self.begun()
        for _ in range(2):
            reading.producer.pauseProducing()
            waiting.pop().callback(None)
            self.clock.advance(exports.STALLED_SECONDS - 1)
            self.assertFalse(reading.is_aborted)
            reading.producer.resumeProducing()
        waiting.pop().callback(None)
        reading.producer.pauseProducing()
        waiting.pop().callback(None)
        self.clock.advance(exports.STALLED_SECONDS)
        self.assertTrue(reading.is_aborted)
        self.assertFalse(is_whole(reading))
        self.assertEqual(self.pages.desk.exports.taken, 0)

    def test_left(self) -> None:
        """Who goes gives its place back, and nothing more is read."""
        waiting = self.slow()
        reading = self.export()
        waiting.pop().callback(None)
        scanned = self.feed.scanned
        reading.leave()
        self.assertEqual(self.pages.desk.exports.taken, 0)
        self.assertEqual(self.feed.scanned, scanned)
        self.clock.advance(100)

    def test_left_before_it_began(self) -> None:
        """The same while the first chunk is made."""
        self.slow()
        self.export().leave()
        self.assertEqual(self.pages.desk.exports.taken, 0)

    def test_too_many(self) -> None:
        """So many at a time, so many of one token, and one more when one is over."""
        waiting = self.slow()
        reading = [self.export(token=token) for token in (READER, OPERATOR) for _ in range(MOST_OF_ONE)]
        self.assertEqual(len(reading), MOST_EXPORTS)
        refused = self.export(token=ADMIN).answer()
        self.assert_problem(refused, 429)
        self.assertNotIn("one token", refused.body["detail"])
        # pages are not held up
        self.punches.given["page"] = []
        self.assertEqual(self.get(PATH).status, 200)
        reading[0].leave()
        refused = self.export(token=OPERATOR).answer()
        self.assert_problem(refused, 429)
        self.assertIn("one token", refused.body["detail"])
        self.assertEqual(self.export().answer().status, 200)
        self.assertTrue(waiting)


class EndTests(ExportCase):
    """What ends an export before it is whole: then it has no end that could be taken for one."""

    def assert_cut(self, reading: Connection) -> None:
        """It was cut off."""
        self.assertTrue(reading.is_aborted)
        self.assertFalse(is_whole(reading))
        self.assertEqual(self.pages.desk.exports.taken, 0)

    def test_archive_goes_away(self) -> None:
        """The archive goes away in the middle."""
        reading, waiting = self.begun()
        waiting.pop().errback(ArchiveUnavailable("away"))
        self.assert_cut(reading)

    def test_our_mistake(self) -> None:
        """A mistake of ours is told to the log."""
        reading, waiting = self.begun()
        waiting.pop().errback(ZeroDivisionError())
        self.assert_cut(reading)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_nothing_comes(self) -> None:
        """A chunk that does not come."""
        reading, _ = self.begun()
        self.clock.advance(exports.STALLED_SECONDS)
        self.assert_cut(reading)

    def test_draining(self) -> None:
        """The server stops."""
        reading, waiting = self.begun()
        self.draining = True
        waiting.pop().callback(None)
        self.assert_cut(reading)

    def test_revoked(self) -> None:
        """The token is revoked."""
        reading, waiting = self.begun()
        del self.accepted[READER]
        self.clock.advance(STANDING_SECONDS)
        waiting.pop().callback(None)
        self.assert_cut(reading)
