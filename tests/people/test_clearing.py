"""Clearing what the server keeps of somebody beside the directory."""

from __future__ import annotations

import json
from typing import Any

from tests.people.erasing_world import A, B, ErasingCase, N
from tests.store.people.directly import done
from tfserver.commands.people import NamedPerson, SetUserName
from tfserver.people.clearing import Clearing
from tfserver.person import Made
from tfserver.store.archive.finding import Found
from tfserver.store.archive.forms import Form
from tfserver.store.people.enrolments import Asked, EnrolmentState
from tfserver.store.people.erasures import Going
from tfserver.store.people.imports import Asked as ImportAsked
from tfserver.store.people.imports import ImportState
from tfserver.store.people.restorations import Wish, new_restoration_id
from tfserver.store.people.snapshots import Copied, Taken
from tfserver.store.people.snapshots import new_id as new_snapshot
from tfserver.store.people.traces import Trace, Traces


class ClearingCase(ErasingCase):
    """An erasure that is just ordered."""

    def going(self) -> Going:
        """The erasure."""
        found = done(self.world.erasures.going(self.world.order()))
        assert found is not None
        return found  # type: ignore[no-any-return]

    def clear(self, place: str, going: Going | None = None) -> tuple[bool, str]:
        """Clear a place."""
        found = done(Clearing(self.world.means).clear(place, going or self.going()))
        return found.is_clear, found.told

    def put_order(
        self, order_id: str, state: str, args: Any, reply: Any = None, actor: str = "o", shown: Any = None
    ) -> str:
        """An order of a terminal as the store keeps it; unless it is said what is ``shown``, all is."""
        keys, text = self.world.client.keys, json.dumps(args, separators=(",", ":"))
        self.world.client.call("ZADD", keys.orders(A), 1, order_id)
        told = ["told", json.dumps({"actor": actor}), "state", state, "args", text]
        told += ["shown", text if shown is None else json.dumps(shown, separators=(",", ":"))]
        told += ["reply", json.dumps(reply)] if reply is not None else []
        told += ["finished", "5"] if state == "done" else []
        self.world.client.call("HSET", keys.order(order_id), *told)
        return order_id

    def kept(self, order_id: str, field: str) -> Any:
        """A field of an order."""
        return json.loads(self.world.client.call("HGET", self.world.client.keys.order(order_id), field))


class OrderTests(ClearingCase):
    """Orders about the person."""

    def setUp(self) -> None:
        """A terminal that has orders."""
        super().setUp()
        self.world.add(A)

    def test_over(self) -> None:
        """One that is over keeps the number and the slot, also in what the terminal answered."""
        shown = {"enrollid": N, "name": "Ines M", "backupnum": 11, "admin": 0, "record": {"redacted": True}}
        over = self.put_order("o1", "done", shown, {"enrollid": N, "name": "Ines M"})
        self.assertTrue(self.clear("orders")[0])
        left = {"enrollid": N, "backupnum": 11}
        self.assertEqual((self.kept(over, "shown"), self.kept(over, "args")), (left, left))
        self.assertEqual(self.kept(over, "reply"), {})

    def test_packets(self) -> None:
        """Of a packet only what is about the person goes; a number that begins like its stays."""
        rows = [{"enrollid": N, "name": "Ines M"}, {"enrollid": 71, "name": "Tarik"}]
        over = self.put_order("o1", "done", {"record": rows}, {"n": 1})
        self.clear("orders")
        self.assertEqual(self.kept(over, "shown"), {"record": [{"enrollid": N}, rows[1]]})
        self.assertEqual(self.kept(over, "reply"), {"n": 1})

    def test_packets_as_they_are_shown(self) -> None:
        """Of a packet people see the size only: what it says is looked through all the same, and one that
        waits is taken back."""
        command = SetUserName([NamedPerson(N, "Ines M"), NamedPerson(71, "Tarik")])
        packet, shown = command.fields(), command.shown()
        self.assertNotIn("enrollid", str(shown))
        self.put_order("o1", "done", packet, shown=shown)
        self.assertTrue(self.clear("orders")[0])
        self.assertEqual(self.kept("o1", "args"), {"record": [{"enrollid": N}, packet["record"][1]]})
        self.put_order("o2", "queued", packet, shown=shown)
        self.assertFalse(self.clear("orders")[0])

    def test_deleted_terminals(self) -> None:
        """Orders of a terminal that was deleted are looked through as long as they are there."""
        keys, client = self.world.client.keys, self.world.client
        self.put_order("o1", "done", {"enrollid": N, "name": "Ines M"})
        client.call("SADD", keys.deleted, "ZXGONE")
        self.assertTrue(done(self.world.terminals.delete(A)))
        self.clear("orders")
        self.assertEqual(self.kept("o1", "args"), {"enrollid": N})
        self.assertEqual(client.call("SMEMBERS", keys.deleted), [A])

    def test_others(self) -> None:
        """Orders about others, and those of the erasure itself, stay as they are."""
        other = self.put_order("o1", "done", {"enrollid": 71, "name": "Tarik"}, {"name": "Tarik"})
        own = self.put_order("o2", "queued", {"enrollid": N, "backupnum": 13}, actor="erasure e1")
        self.put_order("o3", "queued", {"enrollid": 71, "name": "Tarik"})
        self.assertEqual(self.clear("orders"), (True, "orders that keep the number only: 0"))
        self.assertEqual(self.kept(other, "reply"), {"name": "Tarik"})
        self.assertEqual(self.kept(own, "shown"), {"enrollid": N, "backupnum": 13})

    def test_open(self) -> None:
        """One that is open is taken back, and the place is not clear before it is over."""
        taken: list[str] = []

        async def cancel(order_id: str, actor: str) -> None:
            """Somebody takes it back."""
            taken.append(order_id)

        self.world.orders.cancel = cancel  # type: ignore[method-assign, assignment]
        self.put_order("o1", "queued", {"enrollid": N, "name": "Ines M"})
        going = self.going()
        self.assertFalse(self.clear("orders", going)[0])
        self.assertEqual(taken, ["o1"])
        self.put_order("o1", "done", {"enrollid": N, "name": "Ines M"})
        self.assertTrue(self.clear("orders", going)[0])
        self.assertEqual(self.kept("o1", "shown"), {"enrollid": N})

    def test_many(self) -> None:
        """However many orders a terminal had, each is looked at."""
        for number in range(250):
            self.put_order(f"o{number:03}", "done", {"enrollid": N, "name": "Ines M"})
        self.assertEqual(self.clear("orders")[1], "orders that keep the number only: 250")

    def test_nothing_to_redact(self) -> None:
        """What keeps the number only is not written again."""
        client: Any = self.world.client
        trace = Trace("o1", "o", True, {"enrollid": N}, {"enrollid": N}, None)
        self.assertFalse(done(Traces(client).redact(trace, N)))


class PlaceTests(ClearingCase):
    """The other places."""

    def test_pictures(self) -> None:
        """Pictures of the person's punches go, found page by page in the archive, and nobody else's."""
        keys, client = self.world.client.keys, self.world.client
        for uid in ("u1", "u2", "other"):
            client.call("SET", keys.image(uid), "sealed")

        class Punches:
            """Two pages of them."""

            async def find(self, after: str, limit: int, scanned: int, wanted: Any) -> Found:
                """A page."""
                assert wanted.enrollid == N
                uid, is_last = ("u2", True) if after == "9-0" else ("u1", False)
                return Found([("1-0", json.dumps({"uid": uid}))], "9-0", is_last, 0, "0-0")

        archive: Any = Punches()
        object.__setattr__(self.world.means, "archive", archive)
        self.assertEqual(self.clear("pictures"), (True, "pictures deleted: 2"))
        self.assertEqual([client.call("EXISTS", keys.image(uid)) for uid in ("u1", "u2", "other")], [0, 0, 1])

    def test_punches_that_are_not_archived(self) -> None:
        """As long as a punch from before the order is not archived, its picture may not have been found."""
        keys, client = self.world.client.keys, self.world.client
        client.call("XADD", keys.punches, "5-1", "p", "{}")
        self.assertFalse(self.clear("pictures")[0])
        client.call("HSET", keys.archived, "place", "5-1")
        self.assertTrue(self.clear("pictures")[0])

    def test_quarantine(self) -> None:
        """What terminals told of the person and could not be read goes; punches and others stay."""
        keys, client = self.world.client.keys, self.world.client
        told = [
            {"cmd": "senduser", "enrollid": " 0007", "name": "Ines M"},
            {"cmd": "senduser", "enrollid": "7.0", "name": "Ines M"},
            {"cmd": "senduser", "enrollid": "?", "name": {"redacted": True}},
            {"cmd": "senduser", "enrollid": 71, "name": "Tarik"},
            {"enrollid": N, "time": ""},
        ]
        for raw in told:
            client.call("XADD", keys.quarantine, "*", "sn", A, "raw", json.dumps(raw))
        client.call("XADD", keys.quarantine, "*", "sn", A, "raw", "{half")
        client.call("HSET", keys.quarantine_shares, A, 6)
        self.assertEqual(self.clear("quarantine"), (True, "records about it forgotten: 2"))
        self.assertEqual(client.call("XLEN", keys.quarantine), 4)
        self.assertEqual(client.call("HGET", keys.quarantine_shares, A), "4")

    def test_snapshots(self) -> None:
        """The person leaves all snapshots; without its key it could not be opened there anyway."""
        taken = Taken(id=new_snapshot(), sn=A, actor="o", made="")
        snapshots = self.world.snapshots
        done(snapshots.add(taken))
        for enrollid in (N, 8):
            done(snapshots.keep_person(taken.id, enrollid, Copied("Ines M"), {11: ("99", Made())}))
        going = self.going()
        self.assertIsNone(done(snapshots.person(taken.id, N)))
        self.assertEqual(self.clear("snapshots", going), (True, "snapshots that had it: 1"))
        self.assertEqual(list(done(snapshots.people(taken.id))), [8])

    def test_restorations(self) -> None:
        """What restorations tell of the person goes; what they tell of others stays."""
        restorations = self.world.means.restorations
        wish = Wish(id=new_restoration_id(), sn=A, actor="o", made="")
        done(restorations.begin(wish, None))
        for name in (f"{N}", f"{N}/11", f"{N}1/11", "8"):
            done(restorations.refuse(wish.id, name, "no room for Ines M"))
        self.clear("snapshots")
        self.assertEqual(sorted(done(restorations.outcomes(wish.id))), [f"{N}1/11", "8"])

    def test_enrolments(self) -> None:
        """Those that go on are stopped; those that are over are forgotten, with the name."""
        enrolments = self.world.enrolments
        for enrolment, sn, enrollid in (("x1", A, N), ("x2", B, 8)):
            asked = Asked(
                sn=sn, enrollid=enrollid, backupnum=0, name="Ines M", admin=0, seconds=60, actor="o"
            )
            done(enrolments.add(enrolment, asked, "d"))
        going = self.going()
        self.assertFalse(self.clear("enrolments", going)[0])
        found = done(enrolments.going("x1"))
        self.assertEqual(found.wish.value, "cancel")
        self.assertEqual(done(enrolments.going("x2")).wish.value, "")
        done(enrolments.end(found, EnrolmentState.CANCELLED, "cancelled"))
        self.assertTrue(self.clear("enrolments", going)[0])
        self.assertEqual([one.id for one in done(enrolments.listing("", 9, ""))[0]], ["x2"])

    def test_imports(self) -> None:
        """A file from before the order may name the person, until its import is over; a later one is refused
        that row anyway."""
        imports, asked = self.world.means.imports, ImportAsked("o", Form.CSV, False, "skip")
        before, wrapped = done(imports.begin(asked))
        done(imports.put_piece(before, wrapped, 1, "enrollid,name"))
        going = self.going()
        after, _ = done(imports.begin(asked))
        self.world.client.call("ZADD", self.world.client.keys.imports, going.ordered + 1, after)
        self.assertEqual(self.clear("imports", going), (False, "imports from before that are not over: 1"))
        done(imports.end(before, ImportState.CANCELLED))
        self.assertEqual(self.clear("imports", going), (True, "imports from before that are not over: 0"))
