"""``/clock-report``: punches whose time is in doubt."""

from __future__ import annotations

import csv
import io
from typing import Any

from tests.web.in_memory import BOUND, Feed, PagesCase
from tests.web.samples import SN, a_row

PATH = "/api/v1/clock-report"


def doubted(**more: Any) -> dict[str, Any]:
    """A punch of a clock that was found seven minutes slow."""
    told = {
        "clock": "suspect",
        "offset_ms": -420_000,
        "time": "2026-04-02T08:00:00+00:00",
        "utc": "2026-04-02T08:07:00.000Z",
        "received": "2026-04-02T09:00:00.000Z",
    }
    return a_row(**{**told, **more})


class ReportTests(PagesCase):
    """What is told."""

    def setUp(self) -> None:
        """Good punches, and three others."""
        super().setUp()
        self.feed = Feed(
            a_row(clock="ok"),
            doubted(),
            doubted(clock="unknown", utc=None, offset_ms=None, site="south"),
            a_row(clock="ok"),
            doubted(sn="OTHER", offset_ms=0),
        )

    def test_rows(self) -> None:
        """Only what is in doubt comes, each with its confidence, and each terminal."""
        found = self.get(PATH).body
        told = [(row["id"], row["confidence"], row["offset_ms"]) for row in found["punches"]]
        expected = [("2-0", "measured", -420_000), ("3-0", "unknown", None), ("5-0", "doubtful", 0)]
        self.assertEqual(told, expected)
        mine = {"sn": SN, "count": 2, "worst_offset_ms": -420_000}
        first, other = found["terminals"][1], found["terminals"][0]
        self.assertEqual(
            (first["first"], first["last"]), ("2026-04-02T08:07:00.000Z", "2026-04-02T09:00:00.000Z")
        )
        self.assertLessEqual(mine.items(), first.items())
        self.assertEqual((other["sn"], other["count"]), ("OTHER", 1))
        self.assertIsNone(found["next"])

    def test_pages(self) -> None:
        """A page goes on behind another; only the first tells of the terminals."""
        first = self.get(f"{PATH}?limit=1").body
        self.assertEqual((len(first["punches"]), first["next"]), (1, "2-0"))
        self.assertEqual(len(first["terminals"]), 2)
        rest = self.get(f"{PATH}?limit=9&cursor=2-0").body
        self.assertEqual((len(rest["punches"]), rest["terminals"], rest["next"]), (2, None, None))

    def test_filters(self) -> None:
        """By terminal, site and time; what has no instant counts by when it came."""
        for query, expected in (
            (f"sn={SN.lower()}", ["2-0", "3-0"]),
            ("site=south", ["3-0"]),
            ("since=2026-04-02T09:00:00Z", ["3-0"]),
            ("until=2026-04-02T09:00:00Z", ["2-0", "5-0"]),
        ):
            found = self.get(f"{PATH}?{query}").body["punches"]
            self.assertEqual([row["id"] for row in found], expected, query)

    def test_sites(self) -> None:
        """A token that is bound to sites is told of these."""
        found = self.get(PATH, BOUND).body
        self.assertEqual([row["id"] for row in found["punches"]], ["2-0", "5-0"])
        self.assertEqual({one["sn"]: one["count"] for one in found["terminals"]}, {SN: 1, "OTHER": 1})

    def test_csv(self) -> None:
        """CSV has the same rows, and a link where there are more."""
        answer = self.get(f"{PATH}?limit=2", Accept="text/csv")
        rows = list(csv.DictReader(io.StringIO(answer.body)))
        self.assertEqual([row["confidence"] for row in rows], ["measured", "unknown"])
        self.assertEqual(list(rows[0])[-1], "confidence")
        self.assertIn("cursor=3-0", answer.headers["link"])
        self.assertNotIn("link", self.get(PATH, Accept="text/csv").headers)
        self.assert_problem(self.get(PATH, Accept="application/x-ndjson"), 406)
