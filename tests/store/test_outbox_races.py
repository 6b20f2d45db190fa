"""Orders that two processes take, end, cancel and sweep in any order: one end each, and a true one."""

from __future__ import annotations

import itertools
import random
from collections import defaultdict
from typing import Any

import msgspec
from twisted.internet.defer import Deferred, gatherResults

from tests.store.ordered import SN, WHY, OutboxCase, door, new_order
from tfserver.order import ENDS, ORDER_TRANSITIONS, Danger, OrderState
from tfserver.store.audit import NEWEST, Audit
from tfserver.store.outbox import Outbox, Outcome, Taken
from tfserver.store.terminals import Terminals

SEEDS = range(8)
STEPS = 150
TOLD = [event for state, event in ORDER_TRANSITIONS if state is OrderState.SENT]
FOLLOWS = {(state, following) for (state, _), following in ORDER_TRANSITIONS.items()}
CONNECTIONS = ("c1", "c2")


class Race:
    """Two processes, each with a connection of the terminal; what each thinks it has to carry out."""

    def __init__(
        self, case: OutboxCase, seed: int, outboxes: list[Outbox], registries: list[Terminals]
    ) -> None:
        self.random = random.Random(seed)
        self.ids: list[str] = []
        self.said: dict[str, int] = defaultdict(int)
        """How often an order was given to somebody."""
        self.given_to: dict[str, int] = {}
        """To whom it was given last."""
        self._case = case
        self._outboxes = outboxes
        self._registries = registries
        self._held: tuple[list[Taken], list[Taken]] = ([], [])

    async def step(self) -> None:
        """Several things at once, some of which concern the same order."""
        acts = (self._put, self._take, self._take, self._tell, self._tell, self._cancel, self._sweep)
        chosen = self.random.choices(acts, k=self.random.randint(1, 4))
        if self.random.random() < 0.1:
            await self._take_over()
        if self.ids and self.random.random() < 0.3:
            await self._case.passes(self.random.choice((6, 60, 4000)), *self.random.sample(self.ids, 1))
        await gatherResults([Deferred.fromCoroutine(act(self.random.randrange(2))) for act in chosen])

    async def _put(self, who: int) -> None:
        subject = self.random.choice(("", "user 7", "users", "lock"))
        order = new_order(subject=subject, danger=self.random.choice(tuple(Danger)), within=10.0)
        found = await self._outboxes[who].put(order if self.random.random() < 0.8 else door())
        assert found.outcome == "put", found
        self.ids.append(found.detail)

    async def _take(self, who: int) -> None:
        is_doors = self.random.random() < 0.2
        self._given(who, (await self._outboxes[who].take(SN, CONNECTIONS[who], is_doors)).taken)

    async def _tell(self, who: int) -> None:
        if not self._held[who]:
            return
        taken = self._held[who].pop(self.random.randrange(len(self._held[who])))
        outcome = Outcome(self.random.choice(TOLD), {"by": who}, WHY)
        if self.random.random() < 0.2:
            self._held[who].append(taken)
        more = self.random.random() < 0.5
        look = await self._outboxes[who].finish(SN, CONNECTIONS[who], taken, outcome, more)
        self._given(who, look.taken)

    async def _cancel(self, who: int) -> None:
        if self.ids:
            await self._outboxes[who].cancel(self.random.choice(self.ids[-5:]), f"process {who}")

    async def _sweep(self, who: int) -> None:
        await self._outboxes[who].sweep()

    async def _take_over(self) -> None:
        who = self.random.randrange(2)
        await self._case.approved(self._registries[who], CONNECTIONS[who])

    def _given(self, who: int, taken: Taken | None) -> None:
        if taken is not None:
            self.said[taken.id] += 1
            self.given_to[taken.id] = who
            self._held[who].append(taken)


class RaceTests(OutboxCase):
    """Seeded: what failed once fails again."""

    async def lives(self) -> dict[str, list[OrderState]]:
        """The states of each order, one after another, as those who watch were told."""
        found: dict[str, list[OrderState]] = defaultdict(list)
        for event in await self.events():
            found[event["id"]].append(OrderState(event["state"]))
        return found

    async def raced(self, seed: int) -> Race:
        """A race that is over: everything is past its deadline, and was swept."""
        room: dict[str, Any] = {"most_open": 10_000, "most_ended": 10_000}
        outbox = await self.begin(**room)
        registries = [self.registry, await self.terminals("two/1")]
        await registries[1].beat({})
        race = Race(self, seed, [outbox, self.outbox("two/1", **room)], registries)
        for number in range(STEPS):
            await race.step()
            if number % 20 == 0:
                # however long it takes on a slow machine
                for registry in registries:
                    await registry.beat({})
        for _ in range(2):
            await self.passes(1e6, *race.ids)
            await self.client.write("ZUNIONSTORE", "tf:deadlines", 1, "tf:deadlines", "WEIGHTS", 0)
            await outbox.sweep()
        return race

    async def _assert_lives(self, race: Race) -> None:
        lives = await self.lives()
        self.assertEqual(set(lives), set(race.ids))
        for order_id, states in lives.items():
            self.assertIs(states[0], OrderState.QUEUED)
            self.assertEqual([state for state in states if state in ENDS], states[-1:], "one end, the last")
            for step in itertools.pairwise(states):
                self.assertIn(step, FOLLOWS)
            order = await self.order(order_id)
            self.assertIs(order.state, states[-1])
            self.assertEqual(states.count(OrderState.SENT), race.said[order_id], "given once for each sent")
            if order.reply is not None:
                self.assertEqual(order.reply["by"], race.given_to[order_id], "ended by whom it was given to")
            self._assert_true(order.state, states, await self.hash_of(order_id))

    def _assert_true(self, end: OrderState, states: list[OrderState], kept: dict[str, Any]) -> None:
        """What an end says was so."""
        attempts = int(kept.get("attempts", 0))
        self.assertLessEqual(attempts, states.count(OrderState.SENT))
        if end in (OrderState.DONE, OrderState.REFUSED, OrderState.UNKNOWN):
            self.assertGreater(attempts, 0)
        if msgspec.json.decode(kept["told"])["danger"] != Danger.ORDINARY:
            self.assertLessEqual(attempts, 1, "what must not be said twice is given once")
        if end in (OrderState.EXPIRED, OrderState.FAILED):
            self.assertLessEqual(attempts, int(states[-2] is OrderState.SENT), "never after a try")

    async def test_one_end(self) -> None:
        """However takes, ends, cancels and sweeps of two processes meet, each order has one end."""
        for seed in SEEDS:
            race = await self.raced(seed)
            self.assertGreater(len(race.ids), 20)
            await self._assert_lives(race)
            self.assertEqual(await self.client.read("EXISTS", f"tf:queue:{SN}", "tf:deadlines"), 0)
            records = await Audit(self.client).page(NEWEST, 0, 10_000)
            ended = sorted(record.detail["order"] for record in records)
            self.assertEqual(ended, sorted(race.ids), "each end is recorded once")
            await self.client.write("FLUSHDB")
