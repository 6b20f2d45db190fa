"""Erasing people: at terminals that obey, that are away, that lie, and that come back."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

from tests.people.erasing_world import DAY, ORIGIN, A, B, ErasingCase, N
from tests.store.people.directly import done
from tfserver.person import Group, Person
from tfserver.simulator.dialects import AIFACE, CLASSIC
from tfserver.store.people.directory import BeingErased
from tfserver.store.people.groups import Groups
from tfserver.store.users import Profile


class OrderTests(ErasingCase):
    """The step that takes the order."""

    def test_everything_here_goes_at_once(self) -> None:
        """The person is in no index, its hash is gone with the data key, and nobody makes it again."""
        world, client = self.world, self.world.client
        world.add(A)
        direct: Any = client
        done(Groups(direct).put(Group(name="day")))
        done(world.directory.put(Person(enrollid=N, name="Ines M", external_id="P-1", groups=("day",))))
        world.enrol(A)
        done(world.users.put(B, N, Profile("Other", 0), None, ORIGIN))
        self.assertEqual(len(done(world.directory.collided(0, 9))), 1)
        erasure = world.order()
        keys = client.keys
        self.assertEqual(client.call("EXISTS", keys.user(N)), 0)
        for index in (keys.people, keys.names, keys.collisions, keys.members("day")):
            self.assertEqual(client.call("ZCARD", index), 0, index)
        self.assertEqual(client.call("HLEN", keys.external_ids), 0)
        self.assertIn("2 credentials", world.at(erasure, "directory").told)
        self.assertIn("destroyed", world.at(erasure, "key").told)
        with self.assertRaises(BeingErased):
            done(world.directory.put(Person(enrollid=N)))
        raw = str(
            [client.call("HGETALL", keys.erasure(erasure)), client.call("XRANGE", keys.audit, "-", "+")]
        )
        for private in ("Ines", "P-1", "c51b"):
            self.assertNotIn(private, raw)

    def test_twice(self) -> None:
        """Who is being erased is not erased twice; it is the same erasure."""
        first = self.world.order()
        self.assertEqual(self.world.order(), first)
        self.assertEqual(len(done(self.world.desk.listing(10, ""))[0]), 1)

    def test_key(self) -> None:
        """Under a key that was used it is that one also after it is over."""
        desk = self.world.desk
        first = done(desk.order(N, "asked", "token a", "key 1"))
        self.world.run()
        self.assertEqual(self.world.report(first.id).state, "done")
        self.assertEqual(done(desk.order(N, "asked", "token a", "key 1")).state, "done")
        self.assertNotEqual(done(desk.order(N, "asked", "token a", "key 2")).id, first.id)

    def test_late_push(self) -> None:
        """A terminal that tells of the person meanwhile is heard out, and nothing of it is kept."""
        world = self.world
        world.add(A)
        world.enrol(A)
        world.leave(A)
        world.order()
        world.enrol(A)
        self.assertEqual(world.client.call("EXISTS", world.client.keys.user(N)), 0)
        self.assertIsNone(done(world.directory.get(N)))

    def test_report_and_audit(self) -> None:
        """The audit has who ordered it and why, and the digest of the report as it is shown."""
        world = self.world
        world.add(A)
        world.enrol(A)
        erasure = world.order()
        self.assertIsNone(world.report(erasure).sha256)
        world.run()
        report = world.report(erasure)
        self.assertEqual((report.state, report.proven, report.reason), ("done", True, "asked by the person"))
        shown = msgspec.json.encode(report)
        body = shown.replace(f',"sha256":"{report.sha256}"'.encode(), b"")
        self.assertEqual(hashlib.sha256(body).hexdigest(), report.sha256)
        told = [
            (one["outcome"], one["detail"].get("sha256")) for one in world.audit() if one["what"] == "erase"
        ]
        self.assertEqual(told, [("ordered", None), ("done", report.sha256)])

    def test_tombstone(self) -> None:
        """Afterwards no terminal brings the person back, until the number is free again."""
        world = self.world
        world.add(A)
        world.order()
        world.run()
        world.enrol(A)
        self.assertIsNone(done(world.directory.get(N)))
        self.assertEqual(done(world.erasures.lift(0)), 0)
        self.assertEqual(done(world.erasures.lift(world.erasures.now_ms() + DAY * 1000)), 1)
        world.enrol(A)
        self.assertIsNotNone(done(world.directory.get(N)))


class TerminalTests(ErasingCase):
    """What is done at terminals, and what counts as proof."""

    def test_known_there(self) -> None:
        """Where the person is known to be it is deleted, and the terminal's own list proves it."""
        world = self.world
        box = world.add(A)
        world.enrol(A)
        world.enrol(A, 8)
        erasure = world.order()
        world.run()
        self.assertEqual(box.given, ["deleteuser 13", "getuserlist"])
        self.assertEqual(set(box.memory.users), {8})
        place = world.at(erasure, A)
        self.assertEqual((place.state.value, place.told), ("done", "deleted: 13"))
        self.assertIn("not on the list read at", place.proof)

    def test_never_read(self) -> None:
        """A terminal of which nobody knows whom it has is read; who is on its list is deleted."""
        world = self.world
        empty, other = world.add(A), world.add(B)
        other.memory.keep(N, 11, 99)
        erasure = world.order()
        world.run()
        self.assertEqual(empty.given, ["getuserlist"])
        self.assertEqual(other.given, ["getuserlist", "deleteuser 13", "getuserlist"])
        self.assertEqual(world.at(erasure, A).told, "it was not there")
        self.assertEqual(self.states(erasure, A, B), ["done", "done"])

    def test_lists_that_are_told(self) -> None:
        """The reply to a list says as much as what is kept of it."""
        self.world.lists_are_told = True
        self.test_never_read()

    def test_read_by_others(self) -> None:
        """A list that was read since, for whatever, proves it without another."""
        world = self.world
        box = world.add(A)
        erasure = world.order()
        world.client.now += 120
        done(world.holdings.listed(A, [], world.tick()))
        world.run()
        self.assertEqual((box.given, self.states(erasure, A)), ([], ["done"]))

    def test_read_before(self) -> None:
        """A list from before the order proves nothing."""
        world = self.world
        box = world.add(A)
        done(world.holdings.listed(A, [], world.tick()))
        world.order()
        world.run()
        self.assertEqual(box.given, ["getuserlist"])

    def test_one_list_for_all(self) -> None:
        """Many erasures at one terminal share a reading."""
        world = self.world
        box = world.add(A)
        people = range(1, 30)
        for enrollid in people:
            world.enrol(A, enrollid)
        for enrollid in people:
            world.order(enrollid)
        world.run()
        self.assertEqual(box.given.count("getuserlist"), 1)
        self.assertEqual((box.given.count("deleteuser 13"), len(box.memory.users)), (29, 0))
        self.assertEqual(done(world.desk.standing()).open, 0)

    def test_photo_stays(self) -> None:
        """Where 13 leaves the photo it goes by 12 and 50, and only then it is believed."""
        world = self.world
        box = world.add(A, AIFACE, "leaves=photo:deleteuser")
        world.enrol(A, N, (50, 11))
        erasure = world.order()
        world.run()
        self.assertEqual(box.given[:3], ["deleteuser 13", "getuserlist", "deleteuser 12"])
        self.assertEqual((box.memory.users, self.states(erasure, A)), ({}, ["done"]))

    def test_photo_stays_where_twelve_is_fingers(self) -> None:
        """The same where 12 means the fingers only: then 50 does it."""
        world = self.world
        box = world.add(A, CLASSIC, "leaves=photo:deleteuser")
        world.enrol(A, N, (0, 50))
        erasure = world.order()
        world.run()
        self.assertIn("deleteuser 50", box.given)
        self.assertEqual((box.memory.users, self.states(erasure, A)), ({}, ["done"]))

    def test_not_approved(self) -> None:
        """One that has the person and was denied since waits, and says why; one that never was let in is not
        waited for."""
        world = self.world
        world.add(A)
        world.add(B)
        world.enrol(A)
        for sn in (A, B):
            world.client.call("HSET", world.client.keys.terminal(sn), "admission", "denied")
        erasure = world.order()
        world.run()
        self.assertIn("denied", world.at(erasure, A).told)
        self.assertEqual([one.sn for one in world.report(erasure).places if one.sn], [A])

    def test_new_terminal(self) -> None:
        """One that comes before the erasure is over is looked at too."""
        world = self.world
        world.add(A)
        world.leave(A)
        erasure = world.order()
        world.run()
        world.add(B).memory.keep(N, 11, 99)
        world.run()
        self.assertEqual(self.states(erasure, A, B), ["waiting", "done"])


class WaitTests(ErasingCase):
    """Terminals that are away, or vanish."""

    def test_away(self) -> None:
        """Nothing is ordered while it is away; when it comes back, after weeks, it is done."""
        world = self.world
        world.add(A)
        world.add(B)
        world.enrol(A)
        world.leave(A)
        erasure = world.order()
        for _ in range(30):
            world.run(1)
            world.client.now += DAY
        self.assertEqual(
            (self.states(erasure, A, B), world.report(erasure).state), (["waiting", "done"], "open")
        )
        self.assertIn("offline", world.at(erasure, A).told)
        self.assertEqual([order for order in world.orders.orders.values() if order.sn == A], [])
        world.come(A)
        world.run()
        self.assertEqual((world.boxes[A].memory.users, world.report(erasure).state), ({}, "done"))

    def test_woken(self) -> None:
        """Its registration makes the visit due."""
        world = self.world
        world.add(A)
        world.leave(A)
        world.order()
        world.run()
        awaited = world.client.call("HGET", world.client.keys.terminal(A), "awaited")
        self.assertEqual(awaited, f"erasing {A}")

    def test_leaves_meanwhile(self) -> None:
        """An order that did not get through is given up, and counts as no refusal."""
        world = self.world
        world.add(A)
        world.enrol(A)
        erasure = world.order()
        world.see()
        world.boxes[A].online = False
        for _ in range(5):
            world.visit()
            world.orders.expire()
            world.visit()
            world.client.now += DAY
        self.assertEqual(self.states(erasure, A), ["open"])
        self.assertEqual(world.news(), [])
        world.come(A)
        world.run()
        self.assertEqual(self.states(erasure, A), ["done"])

    def test_deleted_terminal(self) -> None:
        """A terminal that is deleted from the server is told as what nobody will ever learn."""
        world = self.world
        world.add(A)
        world.enrol(A)
        world.leave(A)
        erasure = world.order()
        world.run()
        world.delete(A)
        world.run()
        report = world.report(erasure)
        self.assertEqual((report.state, report.proven), ("done", False))
        self.assertEqual(self.states(erasure, A), ["unproven"])
        self.assertIn("not proven", world.audit()[-1]["outcome"])

    def test_told_again(self) -> None:
        """One that was proven and tells of the person again, while others are waited for, is done again."""
        world = self.world
        world.add(A)
        world.add(B)
        world.leave(B)
        erasure = world.order()
        world.run()
        self.assertEqual(self.states(erasure, A, B), ["done", "waiting"])
        world.enrol(A)
        world.see()
        self.assertEqual(self.states(erasure, A), ["open"])
        self.assertIsNone(done(world.holdings.of(A)).people[N].name)
        world.run()
        self.assertEqual((self.states(erasure, A), world.boxes[A].memory.users), (["done"], {}))

    def test_names_at_terminals(self) -> None:
        """What is known of a terminal that is away has no name any more."""
        world = self.world
        world.add(A)
        world.enrol(A)
        world.leave(A)
        world.order()
        world.run()
        self.assertEqual(done(world.holdings.of(A)).people[N].name, "")
