"""How many bytes may be on their way to the store: of credentials, and of pictures that come with punches."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from tests.store.connected import StoreCase
from tests.store.records import record
from tests.store.test_users import MASTER, ORIGIN, ZOE
from tfserver.config import Punches as PunchSettings
from tfserver.errors import StoreUnavailable
from tfserver.store import punches as punches_module
from tfserver.store import users as users_module
from tfserver.store.punches import Punches
from tfserver.store.room import Room
from tfserver.store.users import Users
from tfserver.store.vault import Vault


class RoomTests(SynchronousTestCase):
    """A bounded number of bytes."""

    def test_bound(self) -> None:
        """What fits is taken, what does not is refused and takes nothing."""
        room = Room(100)
        room.take(60)
        self.assertRaises(StoreUnavailable, room.take, 41)
        self.assertEqual(room.fullness, 0.6)
        room.take(40)
        room.leave(100)
        self.assertEqual(room.taken, 0)

    def test_larger_than_all(self) -> None:
        """What never fits goes alone."""
        room = Room(100)
        room.take(500)
        self.assertRaises(StoreUnavailable, room.take, 1)

    def test_given_back(self) -> None:
        """It is given back, however it ends."""
        room = Room(100)

        def fail() -> None:
            with room.held(50):
                raise ValueError

        self.assertRaises(ValueError, fail)
        self.assertEqual(room.taken, 0)


class UnderWayTests(StoreCase):
    """What is on its way to a real store."""

    async def test_users(self) -> None:
        """So many credentials at once, and no more; afterwards there is room again."""
        self.patch(users_module, "MOST_WAITING_BYTES", 10_000)
        users = Users(await self.connect(), Vault(MASTER))
        first = Deferred.fromCoroutine(users.put("T1", 7, ZOE, (50, "x" * 8000), ORIGIN))
        self.assertGreater(users.fullness, 0.8)
        with self.assertRaisesRegex(StoreUnavailable, "too much is waiting"):
            await users.put("T1", 8, ZOE, (50, "x" * 8000), ORIGIN)
        await first
        self.assertEqual(users.fullness, 0.0)
        await users.put("T1", 8, ZOE, (50, "x" * 8000), ORIGIN)

    async def test_pictures(self) -> None:
        """Punches with pictures wait for room; those without are kept meanwhile."""
        self.patch(punches_module, "MOST_PICTURES", 10_000)
        client = await self.connect()
        punches = Punches(client.reactor, client, PunchSettings())
        first = punches.append("T1", None, [record("T1", 1, picture="x" * 8000)], [])
        with self.assertRaisesRegex(StoreUnavailable, "too much is waiting"):
            await punches.append("T1", None, [record("T1", 2, picture="x" * 8000)], [])
        self.assertEqual((await punches.append("T1", None, [record("T1", 3)], [])).new, 1)
        self.assertEqual((await first).new, 1)
        self.assertEqual(punches.fullness, 0.0)
        self.assertEqual((await punches.append("T1", None, [record("T1", 2, picture="x")], [])).new, 1)
