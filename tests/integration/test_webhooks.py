"""Webhooks arrive, whatever becomes of receivers and of the processes that deliver."""

from __future__ import annotations

import signal
from datetime import UTC, datetime
from typing import Any

from tests.real.hooks import HookScene
from tests.real.placed import PlacedServer
from tests.real.receiver import (
    Mood,
    RealReceiver,
    answering,
    closes,
    dies_in_mid_body,
    half_an_answer,
    refusing,
    silent,
    well,
)
from tests.real.store import wait_until

HOUR = 3600


class Receivers(HookScene):
    """One process, and receivers of every kind."""

    def setUp(self) -> None:
        super().setUp()
        self.one = self.process()
        self.terminal = self.client(self.one, "HOOK")
        self.target = self.receiver()

    def until_tried(self, hook: str, attempts: int = 1) -> dict[str, Any]:
        """Wait until it failed so often in a row; its health."""
        wait_until(
            lambda: self.health(self.one, hook)["attempts"] >= attempts,
            f"it failed {attempts} times in a row",
        )
        return self.health(self.one, hook)

    def test_well(self) -> None:
        """What is pushed arrives in order, signed, in batches and one by one; what was before does not."""
        self.push(self.terminal, 5)
        before = {punch["uid"] for punch in self.one.punches()}
        alone = self.receiver()
        hooks = [
            (self.hook(self.one, self.target), self.target),
            (self.hook(self.one, alone, batch=1), alone),
        ]
        self.push(self.terminal, 55)
        for hook, receiver in hooks:
            self.settled(self.one, hook, receiver, *before)
            self.assertEqual(self.health(self.one, hook)["attempts"], 0)
        self.assertEqual(len(alone.heard), 55)
        self.assertLess(len(self.target.heard), 55)
        self.assertLessEqual(max(len(heard.punches) for heard in self.target.heard), 20)

    def test_down_for_long(self) -> None:
        """A receiver that is away gets everything once it is back; meanwhile others are not kept waiting."""
        other = self.receiver()
        hook, good = self.hook(self.one, self.target), self.hook(self.one, other)
        self.push(self.terminal, 30)
        self.settled(self.one, hook, self.target)
        self.target.down()
        self.push(self.terminal, 200)
        health = self.until_tried(hook, 2)
        self.assertTrue(health["failing_since"] and health["last_error"] and health["next_try"])
        self.settled(self.one, good, other)
        self.assertEqual(len(self.target.uids()), 30)
        self.target.up()
        self.settled(self.one, hook, self.target)
        health = self.health(self.one, hook)
        self.assertEqual((health["attempts"], health["failing_since"], health["dead"]), (0, None, 0))

    def test_every_failure(self) -> None:
        """However a receiver fails, its line is held, and everything arrives afterwards."""
        moods: list[Mood] = [answering(500), answering(429), answering(503), answering(301), answering(408)]
        moods += [closes, half_an_answer, dies_in_mid_body, silent]
        receivers = [self.receiver() for _ in moods]
        hooks = [self.hook(self.one, receiver) for receiver in receivers]
        self.push(self.terminal, 15)
        for hook, receiver in zip(hooks, receivers, strict=True):
            self.settled(self.one, hook, receiver)
        # from now on on lines that are open already
        for receiver, mood in zip(receivers, moods, strict=True):
            receiver.become(mood)
        self.push(self.terminal, 25)
        for hook in hooks:
            self.until_tried(hook)
        for hook, receiver in zip(hooks, receivers, strict=True):
            self.assertEqual(len(receiver.uids()), 15)
            receiver.become(well)
            self.nudge(self.one, hook)
        for hook, receiver in zip(hooks, receivers, strict=True):
            self.settled(self.one, hook, receiver)
            self.assertEqual(self.health(self.one, hook)["dead"], 0)
        self.assertTrue(receivers[moods.index(dies_in_mid_body)].broken)

    def test_slow_receiver(self) -> None:
        """A receiver that answers nothing holds up neither another one nor the terminals."""
        other = self.receiver()
        slow, good = self.hook(self.one, self.target), self.hook(self.one, other)
        self.target.become(silent)
        self.push(self.terminal, 40)
        self.settled(self.one, good, other)
        self.assertEqual(self.target.uids(), [])
        self.assertTrue(self.target.heard)
        self.target.become(well)
        self.settled(self.one, slow, self.target)

    def test_retry_after(self) -> None:
        """A receiver is left alone for as long as it asks."""
        hook = self.hook(self.one, self.target)
        self.target.become(answering(429, retry_after=str(HOUR)))
        self.push(self.terminal, 3)
        health = self.until_tried(hook)
        left = datetime.fromisoformat(health["next_try"]) - datetime.now(UTC)
        self.assertTrue(HOUR / 2 < left.total_seconds() <= HOUR, left)
        self.assertEqual(health["last_status"], 429)
        self.target.become(well)
        self.settled(self.one, hook, self.target)

    def test_gone(self) -> None:
        """410 stops a webhook until somebody wants it again; then it goes on where it stood."""
        hook = self.hook(self.one, self.target)
        self.target.become(answering(410))
        self.push(self.terminal, 12)
        wait_until(lambda: self.look(self.one, hook)["state"] == "stopped", "it is stopped")
        asked = len(self.target.heard)
        self.target.become(well)
        other = self.receiver()
        good = self.hook(self.one, other, after="0-0")
        self.push(self.terminal, 12)
        self.settled(self.one, good, other)
        self.assertEqual(len(self.target.heard), asked)
        self.nudge(self.one, hook)
        self.settled(self.one, hook, self.target)

    def test_poison(self) -> None:
        """Of a batch only what is refused by itself is a dead letter, and can be sent again."""
        hook = self.hook(self.one, self.target)
        self.target.become(refusing(lambda punch: punch["enrollid"] in (7, 8, 40)))
        self.push(self.terminal, 50)
        refused = [punch["uid"] for punch in self.one.punches() if punch["enrollid"] in (7, 8, 40)]
        self.assertEqual(len(refused), 3)
        self.settled(self.one, hook, self.target, *refused)
        wait_until(lambda: self.health(self.one, hook)["dead"] == 3, "the others are dead letters")
        status, body = self.one.get(f"/webhooks/{hook}/dead-letters")
        self.assertEqual((status, len(body["dead_letters"])), (200, 3), body)
        self.assertEqual([letter["status"] for letter in body["dead_letters"]], [422] * 3)
        self.target.become(well)
        self.assertEqual(self.one.post(f"/webhooks/{hook}/redeliver", {})[0], 202)
        wait_until(lambda: set(refused) <= set(self.target.uids()), "they are delivered after all")
        found = self.target.faults(self.one.punches())
        self.assertEqual(set(found), {"not in order"})

    def test_terminal_events(self) -> None:
        """That a terminal comes and goes travels the same way."""
        hook = self.hook(self.one, self.target, kinds=["terminal"])
        other = self.client(self.one, "COMES")
        wait_until(lambda: ("up", "COMES") in self.seen(), "it came")
        other.shut()
        wait_until(lambda: ("down", "COMES") in self.seen(), "it went")
        self.assertEqual(self.target.faults([]), {})
        self.assertEqual(self.look(self.one, hook)["kinds"], ["terminal"])

    def seen(self) -> list[tuple[str, str]]:
        """The events that were delivered."""
        return [(event["event"], event["sn"]) for event in self.target.events()]

    def test_store_that_dies(self) -> None:
        """A store that is killed and comes back costs nothing that was acknowledged."""
        hook = self.hook(self.one, self.target)
        for _ in range(3):
            self.push(self.terminal, 40)
            self.redis.kill()
            self.redis.start()
            self.one.until_ready()
        self.settled(self.one, hook, self.target)


class Processes(HookScene):
    """One subscriber, and processes that die."""

    def setUp(self) -> None:
        super().setUp()
        self.target = self.receiver()

    def until_heard(self, more: int) -> None:
        """Wait for so many more requests."""
        wanted = len(self.target.heard) + more
        wait_until(lambda: len(self.target.heard) >= wanted, "the receiver hears")

    def test_killed_before_the_answer(self) -> None:
        """A request whose answer nobody heard comes again, and is known by its webhook-id."""
        one = self.process()
        hook = self.hook(one, self.target)
        self.target.become(well, closes, silent)
        self.push(self.client(one, "HOOK"), 15, a_message=15)
        self.until_heard(1)
        wait_until(lambda: self.health(one, hook)["attempts"] == 1, "the first try failed")
        self.nudge(one, hook)
        wait_until(lambda: len(self.target.heard) == 2, "the second try is under way")
        self.kill(one)
        one.start()
        self.settled(one, hook, self.target)
        first, second, third, *_ = self.target.heard
        self.assertEqual([first.status, second.status, third.status], [0, 0, 204])
        self.assertEqual({heard.body for heard in self.target.heard[:3]}, {first.body})
        self.assertEqual({heard.webhook_id for heard in self.target.heard[:3]}, {first.webhook_id})

    def test_killed_again_and_again(self) -> None:
        """kill -9 at any moment of a delivery loses nothing; what comes twice is the same."""
        one = self.process()
        hook = self.hook(one, self.target, batch=3)
        for turn in range(4):
            self.push(self.client(one, "HOOK"), 120, a_message=40)
            wait_until(lambda turn=turn: len(self.target.uids()) > 120 * turn + 20 * (turn + 1), "some came")
            self.kill(one)
            one.start()
        self.settled(one, hook, self.target)

    def test_two_processes(self) -> None:
        """Of two processes one delivers; when it dies, is stopped, or stands still, the other one goes on."""
        one, two = (self.meanwhile(self.process, name) for name in ("one", "two"))
        servers = [one.result(), two.result()]
        hook = self.hook(servers[0], self.target)
        self.push(self.client(servers[0], "HOOK"), 60)
        self.settled(servers[0], hook, self.target)
        self.assertEqual(self.target.connections, 1)
        self._without(servers, hook, 0)
        self._without(servers, hook, 1)

    def _without(self, servers: list[PlacedServer], hook: str, gone: int) -> None:
        """One of them is killed; the other one delivers what comes then."""
        left = servers[1 - gone]
        self.kill(servers[gone])
        self.push(self.client(left, "HOOK"), 60)
        self.settled(left, hook, self.target)
        servers[gone].start()

    def test_standing_still(self) -> None:
        """A process that stood still with a request under way does not move the cursor back."""
        one = self.process("one")
        hook = self.hook(one, self.target)
        self.target.become(well, silent)
        self.push(self.client(one, "HOOK"), 15, a_message=15)
        self.until_heard(1)
        one.signal(signal.SIGSTOP)
        self.addCleanup(one.signal, signal.SIGCONT)
        self.leases_run_out()
        two = self.process("two")
        self.push(self.client(two, "HOOK"), 45)
        self.settled(two, hook, self.target)
        cursor = self.health(two, hook)["cursor"]
        self.target.become(well)
        one.signal(signal.SIGCONT)
        wait_until(lambda: one.get("/healthz")[0] == 200, "it goes on")
        self.push(self.client(one, "HOOK"), 30)
        self.settled(one, hook, self.target)
        self.assertGreater(self.health(two, hook)["cursor"], cursor)


class Overtaken(HookScene):
    """The stream is trimmed while a receiver is away."""

    archive_more = "stream_most: 20, stream_hours: 1"

    def test_from_the_archive(self) -> None:
        """A subscriber that was overtaken reads on from the archive, and misses nothing."""
        target: RealReceiver = self.receiver()
        one = self.process()
        hook = self.hook(one, target)
        terminal = self.client(one, "HOOK")
        target.down()
        self.push(terminal, 400, a_message=50)
        self.all_archived(one)
        wait_until(lambda: int(self.redis.ask("XLEN tf:punches")[1:]) < 200, "the stream is trimmed")
        target.up()
        self.nudge(one, hook)
        self.push(terminal, 50)
        self.settled(one, hook, target)
        self.assertEqual(len(target.uids()), 450)
