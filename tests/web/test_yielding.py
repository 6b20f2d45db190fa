"""What gives way to punches at the people's side: pages, exports and streams, and nothing else."""

from __future__ import annotations

from typing import Any

from tests.web.in_memory import OPERATOR
from tests.web.test_exports import CSV, NDJSON, ExportCase, is_whole
from tfserver.web import yielding
from tfserver.web.routes import ROUTES


class YieldingCase(ExportCase):
    """Pages of a process that is pressed, or not."""

    def press(self, late: float = 1.0) -> None:
        """The reactor was late, or in time, for a while."""
        pressure: Any = self.pages.desk.sources.pressure
        for _ in range(4):
            pressure.measure(late)


class RefusedTests(YieldingCase):
    """What does not begin."""

    def test_which(self) -> None:
        """Those that read many rows give way; whoever looks after terminals or orders something is served."""
        expected = {"list_punches", "clock_report", "stream", "get_capacity", "get_snapshot_file"}
        expected |= {"upload_snapshot", "check_photo", "put_photo", "import_users", "get_user_data"}
        self.assertEqual({route.name for route in ROUTES if route.yields}, expected)

    def test_pages_and_exports(self) -> None:
        """As long as punches need all there is, the answer is 429 and says when to come again."""
        self.press()
        for media in ("application/json", CSV, NDJSON):
            answer = self.get("/api/v1/punches", Accept=media)
            self.assertEqual((answer.status, answer.headers["retry-after"]), (429, "2"))
            self.assertIn("punches go first", answer.body["detail"])
        self.assertEqual(self.feed.scanned, 0)
        self.press(0.0)
        self.assertEqual(self.get("/api/v1/punches").status, 200)

    def test_others(self) -> None:
        """Orders and lists of terminals are served."""
        self.press()
        self.assertEqual(self.get("/api/v1/terminals").status, 200)
        self.assertEqual(self.post("/api/v1/terminals/ZX/commands", {"cmd": "gettime"}, OPERATOR).status, 202)

    def test_who_may_not(self) -> None:
        """Without a token there is no word about how the process does."""
        self.press()
        self.assertEqual(self.get("/api/v1/punches", None).status, 401)


class WaitingTests(YieldingCase):
    """Exports that have begun."""

    def test_goes_on_later(self) -> None:
        """A pressed process sends no further chunk; at ease again the export goes on to its end."""
        reading, waiting = self.begun()
        self.press()
        waiting.pop().callback(None)
        self.clock.advance(10)
        self.assertEqual(self.lines(reading), list(range(4)))
        self.press(0.0)
        self.clock.advance(yielding.WAIT_SECONDS)
        while waiting:
            waiting.pop().callback(None)
        self.assertEqual(self.lines(reading), list(range(20)))
        self.assertTrue(is_whole(reading))

    def test_not_for_ever(self) -> None:
        """After a minute it is cut off, and is not whole."""
        reading, waiting = self.begun()
        self.press()
        waiting.pop().callback(None)
        self.clock.pump([yielding.WAIT_SECONDS] * round(yielding.LONGEST_SECONDS / yielding.WAIT_SECONDS))
        self.assertTrue(reading.is_aborted)
        self.assertFalse(is_whole(reading))

    def test_left(self) -> None:
        """Who leaves meanwhile is not waited for."""
        reading, waiting = self.begun()
        self.press()
        waiting.pop().callback(None)
        reading.leave()
        self.press(0.0)
        self.clock.advance(1)
        self.assertEqual(waiting, [])
