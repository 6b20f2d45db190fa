"""``/audit``: who did what, newest first."""

from __future__ import annotations

from typing import Any

from tests.web.in_memory import ADMIN, PagesCase
from tests.web.samples import SN, a_record
from tfserver.store.audit import NEWEST, AuditRecord

PATH = "/api/v1/audit"


class AuditTests(PagesCase):
    """The list over a stream of records, the newest at the end."""

    def setUp(self) -> None:
        """An empty stream."""
        super().setUp()
        self.records: list[AuditRecord] = []
        self.audit.given["page"] = self.page

    def page(self, before: str, since: int, limit: int) -> list[AuditRecord]:
        """Records before a place, newest first, as the store gives them."""
        places = [(tuple(map(int, record.id.split("-"))), record) for record in self.records]
        end = (10**18,) if before == NEWEST else tuple(map(int, before.split("-")))
        found = [record for place, record in reversed(places) if place < end and place[0] >= since]
        return found[:limit]

    def found(self, query: str = "") -> tuple[list[str], str | None]:
        """The places on a page, and its ``next``."""
        answer = self.get(PATH + query, ADMIN)
        self.assertEqual(answer.status, 200, answer.raw)
        return [record["id"] for record in answer.body["audit"]], answer.body["next"]

    def add(self, *records: Any) -> None:
        """Somebody did something."""
        self.records += records

    def test_newest_first(self) -> None:
        """Records come newest first; the last page has no next."""
        self.add(*(a_record(f"{n}-0") for n in range(1, 8)))
        self.assertEqual(self.found("?limit=3"), (["7-0", "6-0", "5-0"], "5-0"))
        self.assertEqual(self.found("?limit=3&cursor=5-0"), (["4-0", "3-0", "2-0"], "2-0"))
        self.assertEqual(self.found("?limit=3&cursor=2-0"), (["1-0"], None))
        self.assertEqual(self.found(), ([f"{n}-0" for n in range(7, 0, -1)], None))

    def test_nothing(self) -> None:
        """Where nothing was done there is an empty list."""
        self.assertEqual(self.found(), ([], None))

    def test_fields(self) -> None:
        """A record tells who, what, which terminal, when, and what came of it."""
        self.add(a_record("5-0", detail={"order": "x"}))
        [record] = self.get(PATH, ADMIN).body["audit"]
        self.assertEqual(set(record), {"id", "at", "actor", "what", "sn", "outcome", "detail"})

    def test_filters(self) -> None:
        """By terminal in any case, and by who did it; filters hold together."""
        self.add(a_record("1-0"), a_record("2-0", "OTHER"), a_record("3-0", actor="token 1a2b (Ana)"))
        self.assertEqual(self.found(f"?sn={SN.lower()}")[0], ["3-0", "1-0"])
        self.assertEqual(self.found("?actor=1a2b")[0], ["3-0"])
        self.assertEqual(self.found("?actor=token%20o")[0], ["2-0", "1-0"])
        self.assertEqual(self.found("?actor=token%20o&sn=other")[0], ["2-0"])

    def test_half_open(self) -> None:
        """``since`` belongs to the interval, ``until`` does not."""
        self.add(*(a_record(place) for place in ("999-0", "1000-0", "1000-7", "1999-0", "2000-0")))
        at = "1970-01-01T00:00:0{}.000Z"
        self.assertEqual(self.found(f"?since={at.format(1)}")[0], ["2000-0", "1999-0", "1000-7", "1000-0"])
        self.assertEqual(self.found(f"?until={at.format(2)}")[0], ["1999-0", "1000-7", "1000-0", "999-0"])
        both = f"?since={at.format(1)}&until={at.format(2)}"
        self.assertEqual(self.found(both)[0], ["1999-0", "1000-7", "1000-0"])
        self.assertEqual(self.found(f"{both}&cursor=1999-0")[0], ["1000-7", "1000-0"])
        self.assertEqual(self.found("?since=1960-01-01T00:00:00Z&until=1960-01-02T00:00:00Z"), ([], None))

    def test_scanned(self) -> None:
        """One call looks at 10,000 records at most; ``next`` goes on behind them."""
        self.add(a_record("1-0", "RARE"), *(a_record(f"{n}-0") for n in range(2, 10_600)))
        places, following = self.found("?sn=rare")
        self.assertEqual(places, [])
        self.assertEqual(len(self.audit.asked("page")), 20)
        self.assertEqual(self.found(f"?sn=rare&cursor={following}"), (["1-0"], None))

    def test_wrong(self) -> None:
        """What is no cursor and no instant is refused."""
        self.assert_problem(self.get(f"{PATH}?cursor=x", ADMIN), 422, "cursor")
        self.assert_problem(self.get(f"{PATH}?since=2026-04-02", ADMIN), 422, "since")
        self.assert_problem(self.get(f"{PATH}?limit=0&until=x", ADMIN), 422, "until", "limit")
