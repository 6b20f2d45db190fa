"""``/punches`` and ``/quarantine``: filters, cursors and their errors."""

from __future__ import annotations

from typing import Any

from tests.web.in_memory import Feed, PagesCase
from tfserver.errors import Gone
from tfserver.store.terminal_rows import Claimant

SN = "ZXDM26010042"
DAY = "2026-04-02T"


def row(**changed: Any) -> dict[str, Any]:
    """A punch as it stands in the stream."""
    plain = {
        "uid": "u",
        "sn": SN,
        "site": "north",
        "kind": "punch",
        "enrollid": 17,
        "utc": f"{DAY}08:00:00.000Z",
    }
    return {**plain, **changed}


class FeedCase(PagesCase):
    """The feed over a stream of rows."""

    def page(self, **query: Any) -> tuple[list[str], str]:
        """The places of the punches on a page, and its ``next``."""
        given = "&".join(f"{name}={value}" for name, value in query.items())
        answer = self.get(f"/api/v1/punches?{given}")
        self.assertEqual(answer.status, 200, answer.raw)
        self.assertEqual(set(answer.body), {"punches", "next"})
        return [punch["id"] for punch in answer.body["punches"]], answer.body["next"]


class FilterTests(FeedCase):
    """Which punches are found."""

    def found(self, **query: Any) -> list[str]:
        """The places of all punches that fit."""
        return self.page(**query)[0]

    def test_all(self) -> None:
        """Without a filter everything comes, as it stands, with its place."""
        self.feed = Feed(row(), row(kind="door", enrollid=0))
        answer = self.get("/api/v1/punches").body
        self.assertEqual(
            answer["punches"], [{"id": "1-0", **row()}, {"id": "2-0", **row(kind="door", enrollid=0)}]
        )

    def test_sn(self) -> None:
        """Serial numbers are compared without case and outer spaces."""
        self.feed = Feed(row(), row(sn="OTHER"), row(sn=SN.lower()))
        for given in (SN, SN.lower(), f"%20{SN}%20"):
            self.assertEqual(self.found(sn=given), ["1-0", "3-0"])

    def test_enrollid_and_site(self) -> None:
        """Filters hold together."""
        self.feed = Feed(row(), row(enrollid=18), row(site="south"), row(enrollid=0, kind="door"))
        self.assertEqual(self.found(enrollid=17), ["1-0", "3-0"])
        self.assertEqual(self.found(enrollid=0), ["4-0"])
        self.assertEqual(self.found(enrollid=17, site="north"), ["1-0"])
        self.assertEqual(self.found(site="nowhere"), [])

    def test_kind(self) -> None:
        """One kind or several."""
        self.feed = Feed(row(), row(kind="door"), row(kind="stranger"))
        self.assertEqual(self.found(kind="door"), ["2-0"])
        self.assertEqual(self.found(kind="punch,stranger"), ["1-0", "3-0"])

    def test_half_open(self) -> None:
        """``since`` belongs to the interval, ``until`` does not; what has no instant is in none."""
        times = ("07:59:59.999Z", "08:00:00.000Z", "08:59:59.999Z", "09:00:00.000Z")
        self.feed = Feed(*(row(utc=DAY + time) for time in times), row(utc=None))
        self.assertEqual(self.found(since=f"{DAY}08:00:00Z", until=f"{DAY}09:00:00Z"), ["2-0", "3-0"])
        self.assertEqual(self.found(since=f"{DAY}09:00:00Z"), ["4-0"])
        self.assertEqual(self.found(until=f"{DAY}08:00:00Z"), ["1-0"])
        self.assertEqual(len(self.found()), 5)

    def test_offsets(self) -> None:
        """Instants may have any offset."""
        self.feed = Feed(row())
        self.assertEqual(self.found(since=f"{DAY}10:00:00%2B02:00", until=f"{DAY}10:00:01%2B02:00"), ["1-0"])
        self.assertEqual(self.found(since=f"{DAY}03:00:01-05:00"), [])


class CursorTests(FeedCase):
    """``next`` (design §2.2)."""

    def test_nothing_new(self) -> None:
        """``next`` equals ``after`` when there is nothing new, and is never null."""
        self.assertEqual(self.page(), ([], "0"))
        self.feed = Feed(row())
        self.assertEqual(self.page(after="1-0"), ([], "1-0"))
        self.assertEqual(self.page(after="7"), ([], "7"))

    def test_walk(self) -> None:
        """Page after page everything comes once and in order, whatever the limit."""
        self.feed = Feed(*(row(enrollid=number) for number in range(130)))
        for limit in (1, 7, 50, 129, 130, 131, 1000):
            found: list[str] = []
            cursor, after = "0", ""
            while cursor != after:
                after = cursor
                places, cursor = self.page(after=after, limit=limit)
                self.assertLessEqual(len(places), limit)
                found += places
            self.assertEqual(found, [f"{place}-0" for place in range(1, 131)], limit)

    def test_default_limit(self) -> None:
        """A page has 100 punches unless more or fewer are asked for."""
        self.feed = Feed(*(row() for _ in range(150)))
        places, after = self.page()
        self.assertEqual((len(places), after), (100, "100-0"))

    def test_past_filtered_rows(self) -> None:
        """``next`` moves past rows that do not fit, so that nobody reads them twice."""
        self.feed = Feed(*(row() for _ in range(300)))
        self.assertEqual(self.page(sn="OTHER"), ([], "300-0"))
        self.assertEqual(self.page(sn="OTHER", limit=1, after="17-0"), ([], "300-0"))

    def test_not_past_rows_that_fit(self) -> None:
        """``next`` stands behind the last punch of a full page, not behind what was read ahead."""
        self.feed = Feed(*(row(enrollid=number % 2) for number in range(100)))
        self.assertEqual(self.page(enrollid=1, limit=2), (["2-0", "4-0"], "4-0"))
        self.assertEqual(self.page(enrollid=1, limit=2, after="4-0"), (["6-0", "8-0"], "8-0"))

    def test_scanned(self) -> None:
        """One call reads at most 10,000 rows, and the next goes on behind them."""
        self.feed = Feed(*(row() for _ in range(10_500)), row(sn="OTHER"))
        for limit in (1, 100, 1000):
            self.feed.scanned = 0
            places, after = self.page(sn="OTHER", limit=limit)
            self.assertEqual(places, [])
            self.assertLessEqual(self.feed.scanned, 10_000, limit)
            self.assertGreater(self.feed.scanned, 9000, limit)
            self.assertEqual(self.page(sn="OTHER", limit=limit, after=after)[0], ["10501-0"])

    def test_gone(self) -> None:
        """A cursor whose punches are no longer kept answers 410, at once or on the way."""
        self.punches.given["page"] = Gone("punches behind cursor 5-0 are no longer in the stream")
        self.assert_problem(self.get("/api/v1/punches?after=5-0"), 410)


class InputTests(PagesCase):
    """Parameters that are not what was expected: 422, with the name of the parameter."""

    def test_unknown_parameter(self) -> None:
        """A typing error never widens a search."""
        answer = self.get("/api/v1/punches?enrolid=17")
        self.assert_problem(answer, 422, "enrolid")
        self.assertIn("enrollid", answer.body["errors"][0]["message"])
        self.assert_problem(self.get("/api/v1/quarantine?sn=x"), 422, "sn")
        self.assertEqual(self.punches.calls, [])

    def test_limit(self) -> None:
        """A limit is a whole number from 1 to 1000."""
        for wrong in ("0", "1001", "-1", "1.5", "x", "1e2", "٣", "9" * 30):
            self.assert_problem(self.get(f"/api/v1/punches?limit={quoted(wrong)}"), 422, "limit")
        for right in ("1", "1000", ""):
            self.assertEqual(self.get(f"/api/v1/punches?limit={right}").status, 200)

    def test_cursor(self) -> None:
        """A cursor is what stood in ``next``."""
        for wrong in ("x", "1-", "-1", "1-2-3", "(0", "+", "$", "1 0", "1" * 25):
            self.assert_problem(self.get(f"/api/v1/punches?after={quoted(wrong)}"), 422, "after")
            self.assert_problem(self.get(f"/api/v1/quarantine?after={quoted(wrong)}"), 422, "after")

    def test_instants(self) -> None:
        """An instant has a date, a time and an offset."""
        wrong = ("yesterday", "2026-04-02", "2026-04-02T08:00:00", "2026-13-02T08:00:00Z", "1775116800")
        for name in ("since", "until"):
            for text in wrong:
                self.assert_problem(self.get(f"/api/v1/punches?{name}={text}"), 422, name)

    def test_instants_at_the_ends_of_time(self) -> None:
        """An instant that is before the first or after the last year in UTC is no mistake of ours."""
        for text in ("0001-01-01T00:00:00%2B01:00", "9999-12-31T23:59:59-01:00"):
            self.assertIn(self.get(f"/api/v1/punches?since={text}").status, (200, 422))

    def test_kind(self) -> None:
        """A kind is one of three."""
        self.assert_problem(self.get("/api/v1/punches?kind=punch,dance"), 422, "kind")

    def test_enrollid(self) -> None:
        """An enrollid is a whole number."""
        for wrong in ("x", "-1", "1.0", str(2**63)):
            self.assert_problem(self.get(f"/api/v1/punches?enrollid={wrong}"), 422, "enrollid")


class QuarantineTests(PagesCase):
    """What could not be read, and who claims what."""

    def test_rows(self) -> None:
        """Rows come with their places; ``next`` stands behind the last, or where it stood."""
        self.punches.given["quarantine"] = [{"id": "3-0", "sn": SN, "why": "time: missing", "raw": "{}"}]
        answer = self.get("/api/v1/quarantine?after=1-0&limit=5").body
        self.assertEqual((answer["quarantine"][0]["why"], answer["next"]), ("time: missing", "3-0"))
        self.assertEqual(self.punches.asked("quarantine"), [("1-0", 5)])
        self.punches.given["quarantine"] = []
        self.assertEqual(self.get("/api/v1/quarantine?after=3-0").body["next"], "3-0")

    def test_claimants(self) -> None:
        """Devices that claim a pinned serial number stand beside them."""
        self.terminals.given["claimants"] = [Claimant(SN, "C2", "AA:BB", "192.0.2.9", 5, {"modelname": "X"})]
        [claim] = self.get("/api/v1/quarantine").body["claimants"]
        self.assertEqual((claim["kind"], claim["sn"], claim["cpusn"]), ("identity", SN, "C2"))


def quoted(text: str) -> str:
    """Text in a query."""
    return "".join(f"%{byte:02x}" for byte in text.encode())
