"""A terminal with people, settings and zones in a world of its own."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.people.copied_worlds import CARD, FINGER, A, Box, World
from tests.real.store import RealStore
from tests.store.people.directly import done
from tfserver.simulator.dialects import DOCUMENTED
from tfserver.store.people.restorations import Restoration
from tfserver.store.people.snapshots import Snapshot

TEMPLATE = "c51b(12)07aa"
WHAT: Any = ("settings", "zones", "people")
HOLIDAY = {"name": "New year", "startday": "01-01", "endday": "01-02", "shift": 0, "dayzone": 0}
NIGHTS = {"dayzone": [{"day": [{"section": "20:00~23:00"}]}]}


class CopyCase(SynchronousTestCase):
    """A world on a real store."""

    def setUp(self) -> None:
        store = RealStore()
        self.addCleanup(store.remove)
        self.world = World(store.start())
        self.addCleanup(self.world.client.close)

    def furnished(self, sn: str = A, dialect: Any = DOCUMENTED) -> Box:
        """A terminal with two people, settings, zones and a holiday."""
        box = self.world.add(sn, dialect)
        box.give(7, FINGER, TEMPLATE, "Ines M")
        box.give(7, CARD, 3120457781, "Ines M")
        box.give(8, CARD, 99, "Tarik")
        box.memory.users[8].admin = 1
        box.memory.users[7].lock = {**dialect.lock_default, "weekzone": 2}
        box.memory.settings |= {"volume": 3, "deviceid": 42, "serverip": 1, "holidays": [HOLIDAY]}
        lock = {"opendelay": 9, **NIGHTS}
        box.memory.settings["lock"] = lock | {"weekzone": [], "lockgroup": []}
        box.memory.settings["lock"] |= dict.fromkeys(("doorsensor", "alarmdelay", "threat"), 0)
        return box

    def restore(self, sn: str, snapshot: Snapshot, *what: Any) -> Restoration:
        """Give a terminal a snapshot."""
        return self.world.restored(done(self.world.desk.restore(sn, snapshot.id, what or WHAT, "admin")))

    def steps(self, restoration: Restoration) -> dict[str, str]:
        """How each step ended."""
        return {step.name: step.state for step in restoration.steps}
