"""One terminal takes the place of another, alive or dead."""

from __future__ import annotations

from tests.people.copied_worlds import CARD, FINGER, A, B, Killed
from tests.people.copying import TEMPLATE, CopyCase
from tests.store.people.directly import done
from tfserver.people.snapshots import NoSuchSnapshot
from tfserver.person import Group
from tfserver.store.people.restorations import ORDER, Restoration


class ReplacingTests(CopyCase):
    """One takes the place of another."""

    def replace(self, deny: bool = False) -> Restoration:
        """B takes the place of A."""
        return self.world.restored(done(self.world.desk.replace(B, A, deny, "admin")))

    def place(self) -> None:
        """A stands somewhere, and in a group."""
        fields = {"name": "Gate", "site": "Lisbon", "timezone": "Europe/Lisbon", "tags": '["east"]'}
        done(self.world.stores.terminals.change(A, fields))
        done(self.world.stores.groups.put(Group(name="staff", terminals=("zxaa1", "ZXCC3"))))
        done(self.world.stores.groups.put(Group(name="all", everywhere=True)))

    def test_online(self) -> None:
        """It is what the other is, where it is, with all that it has; the other is kept out then."""
        box = self.furnished()
        self.place()
        other = self.world.add(B)
        report = self.replace(deny=True)
        self.assertEqual((report.state, report.refusals), ("done", ()))
        now = done(self.world.stores.terminals.get(B))
        self.assertEqual((now.name, now.site, now.timezone), ("Gate", "Lisbon", "Europe/Lisbon"))
        self.assertEqual(now.tags, ["east"])
        self.assertEqual(done(self.world.stores.groups.get("staff")).terminals, (B, "ZXCC3"))
        self.assertEqual({one: who[:3] for one, who in other.people().items()},
                         {one: who[:3] for one, who in box.people().items()})  # fmt: skip
        self.assertEqual(done(self.world.stores.terminals.get(A)).admission, "denied")

    def test_group_changed_meanwhile(self) -> None:
        """Somebody who changes a group at the same moment loses nothing, and neither does it."""
        self.furnished()
        self.place()
        self.world.add(B)
        groups = self.world.stores.groups
        put = groups.put

        async def after_another(group: Group, expected: int | None = None) -> Group:
            """Another comes first, once."""
            self.patch(groups, "put", put)
            await put(Group(name="staff", title="All of us", terminals=(A, "ZXCC3")))
            return await put(group, expected)

        self.patch(groups, "put", after_another)
        self.assertEqual(self.replace().state, "done")
        staff = done(groups.get("staff"))
        self.assertEqual((staff.title, staff.terminals), ("All of us", (B, "ZXCC3")))

    def test_not_denied(self) -> None:
        """Unless it is wanted the other goes on."""
        self.furnished()
        self.world.add(B)
        self.replace()
        self.assertEqual(done(self.world.stores.terminals.get(A)).admission, "approved")

    def test_dead_with_snapshot(self) -> None:
        """Of one that is dead it gets what its last snapshot has, and what is known since."""
        box = self.furnished()
        self.world.take(A)
        self.world.leave(box)
        other = self.world.add(B)
        report = self.replace()
        self.assertEqual((report.state, report.refusals), ("done", ()))
        self.assertEqual(sorted(other.people()), [7, 8])
        self.assertEqual(other.people()[7][2], {FINGER: TEMPLATE, CARD: "3120457781"})
        self.assertEqual(other.memory.settings["volume"], 3)
        used = self.world.snapshot(report.snapshot or "")
        self.assertEqual(used.source, "known")

    def test_dead_without_snapshot(self) -> None:
        """Of one that was never copied it gets the people whom the server knows there; what nobody kept of it
        is told."""
        box = self.furnished()
        self.world.take(A)
        for member in self.world.client.call("ZRANGE", self.world.client.keys.snapshots, 0, -1):
            done(self.world.stores.snapshots.remove(self.world.snapshot(member.partition(" ")[2])))
        self.world.leave(box)
        other = self.world.add(B)
        report = self.replace()
        self.assertEqual(report.state, "done")
        self.assertEqual(other.people()[8][2], {CARD: "99"})
        self.assertEqual(self.steps(report)["settings"], "skipped")
        told = [step.name for step in report.steps]
        self.assertEqual(told, [name for name in ORDER if name in told])

    def test_unknown(self) -> None:
        """Of one that nobody knows anything about there is nothing to take."""
        self.world.add(B)
        with self.assertRaises(NoSuchSnapshot):
            done(self.world.desk.replace(B, "ZXNOBODY", False, "admin"))

    def test_killed_anywhere(self) -> None:
        """A process that dies at any call of the store is followed by another; in the end it is the same."""
        box = self.furnished()
        self.place()
        for calls in range(1, 600, 3):
            sn = f"ZXK{calls}"
            other = self.world.add(sn)
            done(self.world.stores.groups.put(Group(name="staff", terminals=(A, "ZXCC3"))))
            made = done(self.world.desk.replace(sn, A, False, "admin"))
            self.world.client.calls_left = calls
            try:
                done(self.world.restoring.do(made.id))
                died = False
            except Killed:
                died = True
            self.world.client.calls_left = None
            report = self.world.restored(made)
            self.assertEqual((report.state, report.refusals), ("done", ()))
            self.assertEqual(sorted(other.people()), sorted(box.people()))
            self.assertEqual(done(self.world.stores.groups.get("staff")).terminals, (sn, "ZXCC3"))
            if not died:
                return
        self.fail("it never ended")
