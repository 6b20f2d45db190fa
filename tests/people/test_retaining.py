"""What is old goes, kind by kind, and nothing else."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.people.erasing_world import DAY, A, ErasingCase, N
from tests.real.store import wait_until
from tests.store.people.directly import done
from tfserver.config.privacy import Privacy
from tfserver.errors import StoreUnavailable
from tfserver.people.retaining import DAY_SECONDS, Retaining
from tfserver.person import Person, Validity
from tfserver.store.people.traces import Traces
from tfserver.store.users import Users


class RetainingCase(ErasingCase):
    """A day of retention by some settings."""

    def retaining(self, **privacy: Any) -> Retaining:
        """Whoever does it."""
        world = self.world
        faces = world.directory, world.erasures, world.means.traces, world.desk, world.journal
        return Retaining(Privacy(**privacy), *faces)

    def day(self, **privacy: Any) -> None:
        """It is done."""
        self.assertEqual(done(self.retaining(**privacy).do("daily")), DAY_SECONDS)

    def put(self, enrollid: int, until: str | None) -> None:
        """A person whose validity ends so."""
        done(self.world.directory.put(Person(enrollid=enrollid, validity=Validity(end=until))))


class DayTests(RetainingCase):
    """What one day does."""

    def test_nothing_by_itself(self) -> None:
        """Without settings nobody is erased, and what terminals told stays."""
        world = self.world
        world.add(A)
        world.enrol(A)
        self.put(8, "2020-01-01")
        self.day()
        self.assertEqual(done(world.erasures.open_ids()), [])
        self.assertEqual(world.client.call("PTTL", world.client.keys.user(N)), -1)

    def test_expired(self) -> None:
        """People whose validity ended so many days ago are erased, once, and nobody else."""
        world = self.world
        today = int(world.client.now // DAY * DAY)
        for enrollid, days in ((1, 40), (2, 29), (3, -5)):
            self.put(enrollid, _day(today - days * DAY))
        self.put(4, None)
        self.put(5, _day(today - 40 * DAY) + " 12:00:00")
        self.day(erase_expired_days=30)
        self.day(erase_expired_days=30)
        found, _ = done(world.desk.listing(10, ""))
        self.assertEqual(sorted(one.enrollid for one in found), [1, 5])
        self.assertIn("validity ended", found[0].reason)
        left = [known.person.enrollid for known in done(world.directory.page(0, 10))]
        self.assertEqual(left, [2, 3, 4])

    def test_due(self) -> None:
        """They are listed page by page, with how long ago it was."""
        today = int(self.world.client.now // DAY * DAY)
        for enrollid in range(1, 6):
            self.put(enrollid, _day(today - 10 * enrollid * DAY))
        retaining = self.retaining()
        found = done(retaining.due(20, 0, 2))
        self.assertEqual([one.enrollid for one in found], [3, 4])
        self.assertGreaterEqual(found[0].days, 20)
        self.assertEqual([one.enrollid for one in done(retaining.due(20, 4, 9))], [5])

    def rewritten(self) -> bool:
        """Whether a day let the store write its file anew."""
        asked: list[Any] = []

        async def rewrite_file() -> None:
            """It is asked to."""
            asked.append(None)
            raise StoreUnavailable("it is not allowed")

        self.patch(self.world.means.traces, "rewrite_file", rewrite_file)
        self.day()
        return bool(asked)

    def test_store_file(self) -> None:
        """In the days after an erasure the store writes its file anew, where it may; else it need not."""
        self.assertFalse(self.rewritten())
        self.world.order()
        self.assertTrue(self.rewritten())
        self.world.client.now += 3 * DAY
        self.assertFalse(self.rewritten())

    def test_store_file_forgets(self) -> None:
        """What was deleted is in the store's file no more once it was written anew."""
        call = self.world.client.call
        call("HSET", "tf:x", "name", "Qwertzia")
        call("DEL", "tf:x")
        self.assertIn(b"Qwertzia", self.aof())
        done(self.world.means.traces.rewrite_file())
        wait_until(lambda: b"Qwertzia" not in self.aof(), "it is written anew")

    def aof(self) -> bytes:
        """What is in the store's file."""
        return b"".join(path.read_bytes() for path in Path(self.store.folder).rglob("*.aof"))

    def test_strangers_to_the_directory(self) -> None:
        """What terminals told of people who are not in the directory goes so long after they told it last."""
        world, client = self.world, self.world.client
        direct: Any = client
        world.users = Users(direct, world.vault, adopt=False)
        world.add(A)
        world.enrol(A)
        self.put(8, None)
        self.day(pushed_days=30)
        life = client.call("PTTL", client.keys.user(N))
        self.assertTrue(29 * DAY * 1000 < life <= 30 * DAY * 1000, life)
        self.assertEqual(client.call("PTTL", client.keys.user(8)), -1)
        client.call("PEXPIRE", client.keys.user(N), 5000)
        self.day(pushed_days=30)
        self.assertLessEqual(client.call("PTTL", client.keys.user(N)), 5000)
        world.enrol(A)
        self.assertEqual(client.call("PTTL", client.keys.user(N)), -1)

    def test_audit(self) -> None:
        """Who did what goes when it is older than so many days."""
        world, client = self.world, self.world.client
        now = round(client.now * 1000)
        for days in (40, 20):
            client.call("XADD", client.keys.audit, f"{now - days * DAY * 1000}-0", "a", "{}")
        self.day()
        self.assertEqual(client.call("XLEN", client.keys.audit), 2)
        self.day(audit_days=30)
        self.assertEqual(client.call("XLEN", client.keys.audit), 1)
        self.assertEqual(world.audit(), [{}])

    def test_reports(self) -> None:
        """Reports of erasures that are over, and what keeps their numbers from coming back, go when old."""
        world = self.world
        world.order()
        world.run()
        self.day()
        self.assertEqual(len(done(world.desk.listing(9, ""))[0]), 1)
        world.client.now += 400 * DAY
        self.day()
        self.assertEqual(world.client.call("HLEN", world.client.keys.erased), 0)
        self.assertEqual(len(done(world.desk.listing(9, ""))[0]), 1)
        self.day(report_days=300)
        self.assertEqual(done(world.desk.listing(9, ""))[0], [])
        self.assertEqual(world.journal.found, {})

    def test_prefix_with_signs(self) -> None:
        """Signs of patterns in the prefix mean themselves."""
        client: Any = self.world.client
        client.keys = type(client.keys)("a*b:")
        client.call("HSET", "a*b:user:7", "key", "x")
        client.call("HSET", "axb:user:7", "key", "x")
        done(Traces(client).expire_strangers(1000))
        self.assertEqual(client.call("PTTL", "axb:user:7"), -1)
        self.assertGreater(client.call("PTTL", "a*b:user:7"), 0)


class RepeatTests(RetainingCase):
    """Erasures that the store forgot."""

    def again(self) -> list[str]:
        """The store is compared with what the archive remembers; the ids of all erasures then."""
        self.assertIsNone(done(self.retaining().do("again")))
        return [one.id for one in done(self.world.desk.listing(9, ""))[0]]

    def brought_back(self, made: str, *, ran: bool = True) -> str:
        """A person was erased, and then the store comes back from before; the id of the erasure."""
        world = self.world
        world.add(A)
        world.enrol(A)
        erasure = world.order()
        if ran:
            world.run()
        else:
            world.see()
        self.assertIn(N, world.journal.found)
        world.client.call("FLUSHALL")
        world.client.call("SET", world.client.keys.alive("one/1"), "1")
        world.add(A)
        world.enrol(A)
        world.client.call("HSET", world.client.keys.user(N), "created", made)
        return erasure

    def test_brought_back(self) -> None:
        """A store that comes back from before the erasure is cleared again, terminals too."""
        for ran in (True, False):
            erasure = self.brought_back("2020-01-01T00:00:00.000Z", ran=ran)
            self.assertEqual(self.again(), [erasure])
            self.assertIsNone(done(self.world.directory.get(N)))
            self.world.run()
            self.assertEqual(self.states(erasure, A), ["done"])
            self.assertEqual(self.again(), [erasure])
            self.world.client.call("FLUSHALL")

    def test_somebody_else(self) -> None:
        """Who has the number since stays."""
        self.brought_back("2099-01-01T00:00:00.000Z")
        self.assertEqual(self.again(), [])
        self.assertIsNotNone(done(self.world.directory.get(N)))

    def test_nothing_lost(self) -> None:
        """What the store knows is not done again."""
        erasure = self.world.order()
        self.world.run()
        self.assertEqual(self.again(), [erasure])
        self.assertEqual(len([one for one in self.world.audit() if one["outcome"] == "ordered"]), 1)


def _day(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d")
