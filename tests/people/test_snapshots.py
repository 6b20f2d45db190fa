"""What a terminal has is had again by others, and what can't be is said."""

from __future__ import annotations

from typing import Any

from tests.people.copied_worlds import CARD, FINGER, A, B, Killed, World
from tests.people.copying import HOLIDAY, NIGHTS, TEMPLATE, WHAT, CopyCase
from tests.real.store import RealStore
from tests.store.people.directly import done
from tfserver.people.restoring import KIND as RESTORE
from tfserver.people.restoring import WAITING
from tfserver.people.snapshots import NotPossible
from tfserver.plan import Item, Op, Options, Scope, TerminalPlan
from tfserver.simulator.dialects import AIFACE, CLASSIC, OLDEST
from tfserver.store.people.restorations import MOST_OF_A_TERMINAL, Wish, new_restoration_id


class TakingTests(CopyCase):
    """Taking snapshots."""

    def test_whole(self) -> None:
        """All that it has is in it, people opened only with their keys; how much is told, and never what."""
        self.furnished()
        taken = self.world.take(A)
        self.assertEqual((taken.state, taken.people, taken.credentials), ("done", 2, {"fp": 1, "card": 2}))
        self.assertEqual(taken.missing, {})
        self.assertEqual((taken.model, taken.fpalgo), ("th900", "thbio3.0"))
        people = self.world.copied(taken.id)
        self.assertEqual(people[7], ("Ines M", 0, {FINGER: TEMPLATE, CARD: "3120457781"}))
        self.assertEqual(people[8], ("Tarik", 1, {CARD: "99"}))
        raw = str(self.world.client.call("HGETALL", self.world.client.keys.snapshot(taken.id)))
        for private in ("Ines", TEMPLATE, "3120457781", "Tarik"):
            self.assertNotIn(private, raw)

    def test_unknown_words(self) -> None:
        """A terminal that does not know some commands gives the rest, and what is missing is told."""
        self.furnished(dialect=OLDEST)
        taken = self.world.take(A)
        self.assertEqual((taken.state, taken.people), ("done", 2))
        self.assertEqual(sorted(taken.missing), ["getholiday", "getquestionnaire"])

    def test_missed_once(self) -> None:
        """What a terminal leaves unanswered once is said again, to read and to write."""
        box = self.furnished()
        box.deaf |= {"getuserlist", "getuserinfo"}
        taken = self.world.take(A)
        self.assertEqual((taken.state, taken.missing, taken.people), ("done", {}, 2))
        other = self.world.add(B)
        other.deaf |= {"getuserlist", "setuserinfo", "setdevinfo", "setuserlock"}
        report = self.restore(B, taken)
        self.assertEqual((report.state, report.refused), ("done", 0))
        self.assertEqual(sorted(other.people()), [7, 8])

    def test_silent_about_locks(self) -> None:
        """A terminal that never says when people may pass is not asked for everybody."""
        box = self.world.add(A)
        for enrollid in range(1, 30):
            box.give(enrollid, CARD, enrollid, f"N{enrollid}")
        box.silent.add("getuserlock")
        taken = self.world.take(A)
        self.assertEqual((taken.state, taken.people), ("done", 29))
        self.assertLess(box.asked.count("getuserlock"), 12)
        self.assertIn("getuserlock", taken.missing)

    def test_refused_person(self) -> None:
        """Somebody of whom the terminal tells nothing is missing, by slot; all others are there."""
        box = self.furnished()
        box.refuses.add(7)
        taken = self.world.take(A)
        self.assertEqual(taken.state, "done")
        self.assertIn("fingerprint 0", taken.missing["7/0"])
        self.assertEqual(self.world.copied(taken.id)[8][0], "Tarik")

    def test_killed_anywhere(self) -> None:
        """A process that dies at any call of the store is followed by another, and nothing is asked twice."""
        for calls in range(1, 400):
            self.world.client.call("FLUSHDB")
            self.world = World(self.store_again())
            box = self.furnished()
            made = done(self.world.desk.take(A, "admin"))
            self.world.client.calls_left = calls
            try:
                done(self.world.taking.do(made.id))
                died = False
            except Killed:
                died = True
            self.world.client.calls_left = None
            done(self.world.taking.do(made.id))
            taken = self.world.snapshot(made.id)
            self.assertEqual(
                (taken.state, taken.people, taken.credentials), ("done", 2, {"fp": 1, "card": 2})
            )
            self.assertEqual(box.asked.count("getuserinfo"), 3)
            if not died:
                return
        self.fail("it never ended")

    def test_offline(self) -> None:
        """It waits for a terminal that is away, and is due when that comes."""
        box = self.furnished()
        self.world.leave(box)
        made = done(self.world.desk.take(A, "admin"))
        self.assertEqual(done(self.world.taking.do(made.id)), 600.0)
        self.assertEqual(self.world.snapshot(made.id).stage, "waits for the terminal")
        self.world.come(box)
        self.assertIsNone(done(self.world.taking.do(made.id)))
        self.assertEqual(self.world.snapshot(made.id).state, "done")

    def test_no_two_at_one_moment(self) -> None:
        """Those of the same millisecond, or of a clock that lags, are all listed, in order."""
        self.furnished()
        made = [self.world.take(A).id]
        key = self.world.client.keys.snapshots
        self.world.client.call("ZADD", key, 9_000_000_000_000, f"{A} {made[0]}")
        made += [self.world.take(A).id for _ in range(2)]
        found, cursor = list[str](), ""
        for _ in made:
            page, following = done(self.world.desk.listing(A, 1, cursor))
            found, cursor = found + [one.id for one in page], following or ""
        self.assertEqual(found, made[::-1])

    def test_one_at_a_time(self) -> None:
        """Asking again while one is taken is that one."""
        box = self.furnished()
        self.world.leave(box)
        first = done(self.world.desk.take(A, "admin"))
        self.assertEqual(done(self.world.desk.take(A, "another")).id, first.id)

    def test_erased(self) -> None:
        """Without its data key nothing of a person opens; who is being erased gets into none."""
        self.furnished()
        taken = self.world.take(A)
        self.world.client.call("DEL", self.world.client.keys.user(7))
        self.assertIsNone(done(self.world.stores.snapshots.person(taken.id, 7)))
        self.assertIsNone(done(self.world.stores.snapshots.record(taken.id, 7, FINGER)))
        self.world.client.call("HSET", self.world.client.keys.erased, 8, "e1")
        again = self.world.take(A)
        self.assertNotIn(8, self.world.copied(again.id))
        self.assertIn("8", again.missing)

    def test_forget_person(self) -> None:
        """An erasure takes a person out of all snapshots, and learns of which."""
        self.furnished()
        first, second = self.world.take(A), self.world.take(A)
        found = done(self.world.stores.snapshots.forget_person(7))
        self.assertEqual(sorted(found), sorted([first.id, second.id]))
        self.assertEqual(self.world.snapshot(first.id).people, 1)
        self.assertEqual(self.world.snapshot(first.id).credentials, {"card": 1})
        self.assertEqual(done(self.world.stores.snapshots.forget_person(7)), [])

    def test_oldest_go(self) -> None:
        """Of one terminal only the newest stay; those of others are not touched."""
        self.furnished()
        other = self.furnished(B)
        kept = self.world.take(other.sn)
        taken = [self.world.take(A).id for _ in range(5)]
        found, _ = done(self.world.desk.listing(A, 10, ""))
        self.assertEqual([one.id for one in found], taken[:1:-1])
        self.assertEqual(self.world.snapshot(kept.id).state, "done")

    def store_again(self) -> Any:
        """The same store for another world."""
        return self._store

    def setUp(self) -> None:
        self._store = RealStore()
        self.addCleanup(self._store.remove)
        self.world = World(self._store.start())
        self.addCleanup(lambda: self.world.client.close())


class RestoringTests(CopyCase):
    """Giving terminals back what was there."""

    def test_same_kind(self) -> None:
        """Another of its kind has the same people, rights, settings and zones then, and stays itself."""
        box = self.furnished()
        other = self.world.add(B)
        report = self.restore(B, self.world.take(A))
        self.assertEqual((report.state, report.refused, report.refusals), ("done", 0, ()))
        self.assertEqual(other.people()[7][:3], box.people()[7][:3])
        self.assertEqual(other.people()[7][3]["weekzone"], 2)
        self.assertEqual(other.people()[8][:3], box.people()[8][:3])
        self.assertEqual(other.memory.settings["volume"], 3)
        self.assertEqual(other.memory.settings["holidays"], [HOLIDAY])
        self.assertEqual(other.memory.settings["lock"]["opendelay"], 9)
        self.assertEqual(other.memory.settings["lock"]["dayzone"], NIGHTS["dayzone"])
        self.assertNotIn("deviceid", other.memory.settings)
        self.assertNotIn("serverip", other.memory.settings)

    def test_again(self) -> None:
        """A second time there is nothing to do: nothing is written, all is the same."""
        self.furnished()
        other = self.world.add(B)
        taken = self.world.take(A)
        self.restore(B, taken)
        other.asked.clear()
        report = self.restore(B, taken)
        self.assertEqual({word for word in other.asked if word.startswith("set")}, set())
        self.assertEqual((report.done, report.refused), (0, 0))
        self.assertGreater(report.same, 2)

    def test_other_kind(self) -> None:
        """Of another kind gets what it can have; each thing that it can't is told with its reason."""
        self.furnished()
        other = self.world.add(B, OLDEST)
        report = self.restore(B, self.world.take(A))
        self.assertEqual(report.state, "done")
        told = {(one.enrollid, one.backupnum): one.why for one in report.refusals}
        self.assertEqual(list(told), [(7, FINGER)])
        self.assertIn("thbio1.0", told[7, FINGER])
        self.assertEqual(other.people()[7][2], {CARD: "3120457781"})
        self.assertEqual(self.steps(report)["holidays"], "refused")
        self.assertEqual(self.steps(report)["people"], "partly")

    def test_no_room(self) -> None:
        """What does not fit is not sent, and the arithmetic is told."""
        self.furnished()
        other = self.world.add(B, usersize=9, card=1)
        report = self.restore(B, self.world.take(A))
        self.assertEqual(len(report.refusals), 1)
        self.assertRegex(report.refusals[0].why, r"1")
        self.assertEqual(sum(CARD in person[2] for person in other.people().values()), 1)
        self.assertEqual(other.asked.count("setuserinfo"), 2)

    def test_somebody_else(self) -> None:
        """Whoever has the number there already stays who it is."""
        self.furnished()
        other = self.world.add(B)
        other.give(7, CARD, 5, "Somebody Else")
        report = self.restore(B, self.world.take(A))
        self.assertEqual(other.people()[7][:3], ("Somebody Else", 0, {CARD: "5"}))
        self.assertIn("somebody else", report.refusals[0].why)
        self.assertEqual(other.people()[8][0], "Tarik")

    def test_chosen(self) -> None:
        """Only what was asked for is written."""
        self.furnished()
        other = self.world.add(B)
        self.restore(B, self.world.take(A), "settings")
        self.assertEqual((other.memory.settings["volume"], other.people()), (3, {}))
        self.assertNotIn("lock", other.memory.settings)

    def test_plan_first(self) -> None:
        """A restoration waits for a plan at the terminal; afterwards it leaves the turn to the next."""
        self.furnished()
        other = self.world.add(B)
        taken, plans = self.world.take(A), self.world.plans
        plan = done(plans.add("admin", Scope(), Options(), [B]))
        token = done(plans.make(plan.id))
        done(plans.put_terminal(plan.id, token, TerminalPlan(sn=B, items=(Item(1, Op.REMOVE, 9),))))
        done(plans.ready(plan.id, token))
        done(plans.begin(plan.id, "admin"))
        self.assertTrue(done(self.world.turning.has(B, plan.id)))
        made = done(self.world.desk.restore(B, taken.id, WHAT, "admin"))
        waiting = self.world.restored(made)
        self.assertEqual((waiting.state, waiting.stage, other.asked), ("open", WAITING, []))
        done(plans.set_stage(plan.id, B, "done"))
        self.assertEqual(self.world.restored(made).state, "done")
        self.assertEqual(sorted(other.people()), [7, 8])
        self.assertEqual(done(self.world.turns.of(B)), "")

    def test_killed_anywhere(self) -> None:
        """A process that dies at any call of the store is followed by another: each is put once."""
        self.furnished()
        taken = self.world.take(A)
        for calls in range(1, 400):
            sn = f"ZXK{calls}"
            other = self.world.add(sn)
            made = done(self.world.desk.restore(sn, taken.id, WHAT, "admin"))
            self.world.client.calls_left = calls
            try:
                done(self.world.restoring.do(made.id))
                died = False
            except Killed:
                died = True
            self.world.client.calls_left = None
            report = self.world.restored(made)
            self.assertEqual((report.state, report.refused), ("done", 0), report.refusals)
            self.assertEqual(sorted(other.people()), [7, 8])
            self.assertEqual(other.people()[7][3]["weekzone"], 2)
            self.assertEqual(other.asked.count("setuserinfo"), 3)
            if not died:
                return
        self.fail("it never ended")

    def test_one_at_a_time(self) -> None:
        """While one goes on at a terminal there is no other, however many are asked for at the same time."""
        self.furnished()
        self.world.add(B)
        taken, restorations = self.world.take(A), self.world.stores.restorations
        wishes = [Wish(id=new_restoration_id(), sn=B, actor="o", made="") for _ in range(2)]
        found = [done(restorations.begin(wish, taken.id)) for wish in wishes]
        self.assertEqual(found, [wishes[0].id] * 2)
        with self.assertRaisesRegex(NotPossible, f"{wishes[0].id} .* is not over yet"):
            done(self.world.desk.restore(B, taken.id, WHAT, "admin"))
        self.assertEqual([one.id for one in done(restorations.listing(B, 9))], found[:1])
        done(self.world.restoring.do(wishes[0].id))
        self.assertEqual(self.restore(B, taken).state, "done")
        self.assertEqual(len(done(restorations.listing(B, 9))), 2)

    def test_the_oldest_go(self) -> None:
        """So many are remembered of a terminal."""
        self.furnished()
        taken = self.world.take(A)
        made = [self.restore(A, taken, "zones").id for _ in range(MOST_OF_A_TERMINAL + 2)]
        listed = [one.id for one in done(self.world.desk.restorations_of(A, 100))]
        self.assertEqual(listed, made[:1:-1])

    def test_begun_and_killed(self) -> None:
        """What a process began and died over is done by another."""
        self.furnished()
        taken, key = self.world.take(A), self.world.client.keys.errands(RESTORE)
        for calls in range(1, 40):
            self.world.add(sn := f"ZXK{calls}")
            self.world.client.calls_left, died = calls, False
            try:
                done(self.world.desk.restore(sn, taken.id, WHAT, "admin"))
            except Killed:
                died = True
            self.world.client.calls_left = None
            there = {one.id for one in done(self.world.desk.restorations_of(sn, 9))}
            self.assertLessEqual(there, {*self.world.client.call("ZRANGE", key, 0, -1)})
            if not died:
                self.assertEqual(len(there), 1)
                return
        self.fail("it never ended")

    def test_removed_snapshot(self) -> None:
        """A snapshot that was removed meanwhile ends it with words."""
        self.furnished()
        self.world.add(B)
        taken = self.world.take(A)
        made = done(self.world.desk.restore(B, taken.id, WHAT, "admin"))
        done(self.world.desk.remove(taken))
        report = self.world.restored(made)
        self.assertEqual((report.state, report.stage), ("failed", "there is no such snapshot any more"))

    def test_faces(self) -> None:
        """Between two with cameras photos go along."""
        from tests.commands.pictures import base64_of, picture

        photo = base64_of(picture())
        self.world.add(A, AIFACE).give(9, 50, photo, "Lea")
        other = self.world.add(B, AIFACE)
        self.restore(B, self.world.take(A))
        self.assertEqual(other.people()[9][2], {50: photo})
        self.assertEqual(CLASSIC.fpalgo, AIFACE.fpalgo)
