"""The record of who did what."""

from __future__ import annotations

import json

from tests.store.connected import StoreCase
from tfserver.store import audit as audit_module
from tfserver.store.audit import NEWEST, Audit, ordered


class AuditTests(StoreCase):
    """Records on a real store."""

    async def audit(self) -> Audit:
        """The audit as a new process sees it."""
        self.client = await self.connect()
        return Audit(self.client)

    async def test_written_and_read(self) -> None:
        """A record comes back as it was written, with its place and the store's time."""
        audit = await self.audit()
        await audit.write("token a (Ana)", "change_terminal", " zxab1 ", "done", {"name": "Zoë"})
        [found] = await audit.page(NEWEST, 0, 10)
        self.assertEqual((found.actor, found.what, found.sn), ("token a (Ana)", "change_terminal", "ZXAB1"))
        self.assertEqual((found.outcome, found.detail), ("done", {"name": "Zoë"}))
        self.assertRegex(found.at, r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")

    async def test_orders_name_nobody(self) -> None:
        """What is recorded of an order has the number of a person and no text about it: nothing takes it out
        again. Of what is about no person all is recorded."""
        for shown in (
            {
                "enrollid": 7,
                "name": "Zoë",
                "backupnum": 11,
                "department": "Zoë",
                "record": {"redacted": True},
            },
            {"record": [{"enrollid": 7, "name": "Zoë"}]},
        ):
            told = ordered("o1", "a", "setuserinfo", "ZXAB1", shown).decode()
            self.assertIn('"enrollid":7', told)
            self.assertNotIn("Zo", told)
        self.assertIn("Zoë", ordered("o1", "a", "setdevinfo", "ZXAB1", {"title": "Zoë"}).decode())

    async def test_newest_first(self) -> None:
        """Pages go from the newest to the oldest, and no record comes twice."""
        audit = await self.audit()
        for number in range(5):
            await audit.write("a", str(number), "", "done", {})
        first = await audit.page(NEWEST, 0, 3)
        rest = await audit.page(first[-1].id, 0, 3)
        self.assertEqual([record.what for record in first + rest], ["4", "3", "2", "1", "0"])
        self.assertEqual(await audit.page(rest[-1].id, 0, 3), [])

    async def test_before_everything(self) -> None:
        """Before the beginning there is nothing."""
        audit = await self.audit()
        await audit.write("a", "x", "", "done", {})
        for place in ("0", "0-0", "0-1", "1"):
            self.assertEqual(await audit.page(place, 0, 3), [])

    async def test_since(self) -> None:
        """Nothing comes that is older than what was asked for."""
        audit = await self.audit()
        for ms in (1000, 2000, 3000):
            await self.client.write("XADD", "tf:audit", f"{ms}-0", "a", '{"what":"x"}')
        self.assertEqual([record.id for record in await audit.page(NEWEST, 2000, 10)], ["3000-0", "2000-0"])

    async def test_as_a_script_writes(self) -> None:
        """What a script wrote is read too: a missing text is empty, an empty table may be a list."""
        audit = await self.audit()
        for text in ('{"actor":false,"what":"opendoor","detail":[],"at":1}', '{"outcome":"done"}'):
            await self.client.write("XADD", "tf:audit", "*", "a", text)
        first, second = await audit.page(NEWEST, 0, 10)
        self.assertEqual((second.actor, second.what, second.detail), ("", "opendoor", {}))
        self.assertEqual((first.outcome, first.sn, first.detail), ("done", "", {}))

    async def test_bounded(self) -> None:
        """The oldest records go when there are too many."""
        self.patch(audit_module, "MOST_RECORDS", 100)
        audit = await self.audit()
        for _ in range(500):
            await audit.write("a", "x", "", "done", {})
        self.assertLess(await self.client.read("XLEN", "tf:audit"), 300)

    async def test_written_as_json(self) -> None:
        """A record stands as one JSON text in one field, as the scripts write theirs."""
        await (await self.audit()).write("a", "x", "T1", "done", {"n": 1})
        [(_, entry)] = await self.client.read("XRANGE", "tf:audit", "-", "+")
        self.assertEqual(entry[0], "a")
        self.assertEqual(set(json.loads(entry[1])), {"actor", "what", "sn", "outcome", "detail"})
