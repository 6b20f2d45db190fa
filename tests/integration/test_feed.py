"""The feed across stream and archive on real processes: exports, interrupted streams, and history."""

from __future__ import annotations

import csv
import http.client
import io
import json
from typing import Any

from tests.real.client import RealClient, log
from tests.real.hooks import HookScene
from tests.real.placed import PlacedServer
from tests.real.store import wait_until

CSV, NDJSON = "text/csv", "application/x-ndjson"


class FeedScene(HookScene):
    """One process, whose stream keeps next to nothing."""

    archive_more = "seconds: 5, stream_most: 10"

    def setUp(self) -> None:
        """A server and a terminal."""
        super().setUp()
        self.redis.ask("CONFIG SET stream-node-max-entries 5")
        self.one: PlacedServer = self.process()

    def trimmed(self) -> None:
        """Wait until everything is archived, and most of it has left the stream."""
        self.all_archived(self.one)
        wait_until(
            lambda: int(self.redis.ask("XLEN tf:punches").strip(":\r\n")) < 40, "the stream is trimmed", 60
        )

    def text(self, path: str, media: str) -> str:
        """An answer as it came."""
        connection = http.client.HTTPConnection("127.0.0.1", self.one.http, timeout=20)
        self.addCleanup(connection.close)
        headers = {"Authorization": f"Bearer {self.one.token}", "Accept": media}
        connection.request("GET", f"/api/v1{path}", headers=headers)
        answer = connection.getresponse()
        self.assertEqual(answer.status, 200)
        return answer.read().decode()


class ExportTests(FeedScene):
    """Exports."""

    def test_same_rows(self) -> None:
        """CSV, NDJSON and pages tell the same punches, wherever these stand."""
        terminal = self.client(self.one, "EXPORT")
        self.push(terminal, 150)
        self.trimmed()
        self.push(terminal, 15)
        pages = self.one.punches()
        self.assertEqual(len(pages), 165)
        lines = [json.loads(line) for line in self.text("/punches", NDJSON).splitlines()]
        self.assertEqual(lines, pages)
        rows = list(csv.DictReader(io.StringIO(self.text("/punches", CSV), newline="")))
        self.assertEqual([row["uid"] for row in rows], [row["uid"] for row in pages])
        one = [row for row in pages if row["enrollid"] == 7]
        found = [json.loads(line) for line in self.text("/punches?enrollid=7", NDJSON).splitlines()]
        self.assertEqual((found, len(found)), (one, len(one)))
        self.assertEqual(self.one.get("/punches?enrollid=7")[1]["punches"], one)


class StreamTests(FeedScene):
    """Server-sent events."""

    def test_away_while_the_stream_was_trimmed(self) -> None:
        """Who comes again with its last id is told all that it missed, once and in order."""
        terminal = self.client(self.one, "SSE")
        self.push(terminal, 3)
        first = self.events("0-0_0-0", 3)
        self.push(terminal, 240)
        self.trimmed()
        self.push(terminal, 5)
        rest = self.events(first[-1][0], 245)
        self.assertEqual([uid for _, uid in first + rest], [punch["uid"] for punch in self.one.punches()])

    def events(self, last_id: str, count: int) -> list[tuple[str, str]]:
        """So many punches behind an id, each with its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.one.http, timeout=20)
        headers = {"Authorization": f"Bearer {self.one.token}", "Last-Event-ID": last_id}
        connection.request("GET", "/api/v1/stream?events=punch", headers=headers)
        answer = connection.getresponse()
        found: list[tuple[str, str]] = []
        last = ""
        while len(found) < count:
            line = answer.readline().decode().rstrip("\n")
            if line.startswith("id: "):
                last = line[4:]
            elif line.startswith("data: "):
                found.append((last, json.loads(line[6:])["uid"]))
        answer.close()
        connection.close()
        return found


class HistoryTests(FeedScene):
    """What was told once stays as it was."""

    def test_zone_changed(self) -> None:
        """A zone that a terminal gets later rewrites nothing: pages, CSV and archive stay as they were."""
        terminal = self.client(self.one, "ZONED")
        self.push(terminal, 60)
        terminal.ask(cmd="sendlog", count=1, record=[log(3, "2001-01-01 00:00:00")])
        self.trimmed()
        before = self.told()
        self.assertEqual(len(before["pages"]), 61)
        self.assertEqual(self.one.patch("/terminals/ZONED", {"timezone": "Asia/Kathmandu"})[0], 200)
        wait_until(lambda: self.punch_now(terminal).endswith("+05:45"), "the terminal runs in its new zone")
        self.all_archived(self.one)
        after = self.told()
        self.assertEqual({name: told[: len(before[name])] for name, told in after.items()}, before)

    def punch_now(self, terminal: RealClient) -> str:
        """Let a terminal punch by the clock that it is told; the time that this is."""
        now = terminal.ask(cmd="heartbeat")["cloudtime"]
        terminal.ask(cmd="sendlog", count=1, record=[log(3, now)])
        found: str = self.one.punches()[-1]["time"]
        return found

    def told(self) -> dict[str, Any]:
        """All of history, told in all ways."""
        return {
            "pages": self.one.punches(),
            "csv": self.text("/punches", CSV),
            "of a person": self.one.get("/punches?enrollid=3&until=2030-01-01T00:00:00Z")[1]["punches"],
            "report": self.one.get("/clock-report?until=2010-01-01T00:00:00Z")[1]["punches"],
        }

    def test_clock_report(self) -> None:
        """A punch with a date that can't be is in the report, before and after it is archived."""
        terminal = self.client(self.one, "LOST")
        self.push(terminal, 30)
        terminal.ask(cmd="sendlog", count=1, record=[log(3, "2001-01-01 00:00:00")])
        first = self.one.get("/clock-report")[1]
        self.assertEqual([row["confidence"] for row in first["punches"]], ["doubtful"])
        self.assertEqual([(one["sn"], one["count"]) for one in first["terminals"]], [("LOST", 1)])
        self.trimmed()
        self.assertEqual(self.one.get("/clock-report")[1], first)
        self.assertEqual(self.text("/clock-report", CSV).count("doubtful"), 1)
