"""Whatever comes between, no terminal is ordered to take more than it can."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any, NamedTuple

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)
from twisted.trial.unittest import SynchronousTestCase

from tests.real.store import RealStore
from tests.store.people.directly import DirectClient, done
from tfserver.credentials import kind_of
from tfserver.person import Held, HeldPerson, Proof
from tfserver.store.people.holdings import Holdings

SN = "ZXAB1"
SIZE = {"user": 3, "fp": 3, "card": 2}
PEOPLE = st.integers(1, 5)
SLOTS = st.sampled_from([0, 1, 11])
THERE = {"listed", "accepted", "read", "recognised"}


class Order(NamedTuple):
    """An order that is open: what it is to bring, and the token of its reservation."""

    place: tuple[int, int]
    token: str


def counted(slots: set[tuple[int, int]], people: set[int]) -> Counter[str]:
    """How much of each kind that is."""
    return Counter([*(kind_of(backupnum).value for _, backupnum in slots), *("user" for _ in people)])


class Machine(RuleBasedStateMachine):
    """One terminal as it truly is, and what the store thinks of it."""

    store: RealStore
    orders = Bundle("orders")

    def __init__(self) -> None:
        super().__init__()
        self.client = DirectClient(self.store)
        self.client.call("FLUSHALL")
        self.holdings = Holdings(self.client)  # type: ignore[arg-type]
        self.slots: set[tuple[int, int]] = set()
        self.people: set[int] = set()
        self.open: list[Order] = []
        self.unheard: set[str] = set()
        self.moment = 1_775_000_000_000
        self.reg()

    def teardown(self) -> None:
        """The store is not asked any more."""
        self.client.close()

    def now(self) -> int:
        """A moment that no other is."""
        self.moment += 1
        return self.moment

    @rule()
    def reg(self) -> None:
        """The terminal registers, and tells how much of it is used."""
        used = counted(self.slots, self.people)
        devinfo = {f"{kind}size": size for kind, size in SIZE.items()}
        devinfo |= {f"used{kind}": used[kind] for kind in SIZE}
        fields = ("admission", "approved", "reg_at", self.now(), "devinfo", json.dumps(devinfo))
        self.client.call("HSET", self.client.keys.terminal(SN), *fields)

    @rule(target=orders, enrollid=PEOPLE, backupnum=SLOTS)
    def order(self, enrollid: int, backupnum: int) -> Any:
        """Somebody orders the terminal to take something."""
        made = Order((enrollid, backupnum), f"t{self.now()}")
        if done(self.holdings.reserve(SN, [made.place], 600, made.token)) is not None:
            return multiple()
        self.open.append(made)
        return made

    @rule(order=consumes(orders))
    def obey(self, order: Order) -> None:
        """It takes it and says so."""
        self._take(order)
        held = Held(Proof.ACCEPTED, "v", self.now())
        done(self.holdings.told(SN, *order.place, held, HeldPerson(ours=True)))
        self._end(order)
        done(self.holdings.release(SN, [order.place], order.token))

    @rule(target=orders, order=consumes(orders))
    def obey_unheard(self, order: Order) -> Order:
        """It takes it, nobody hears that, and it is said again later."""
        self._take(order)
        self.unheard.add(order.token)
        return order

    @rule(order=consumes(orders), is_taken=st.booleans())
    def end_unknown(self, order: Order, is_taken: bool) -> None:
        """Nobody learns whether it was taken, and it is never said again."""
        if is_taken:
            self._take(order)
        self._end(order)
        done(self.holdings.rooms.doubt(SN, [order.place], order.token))

    @rule(order=consumes(orders))
    def refuse(self, order: Order) -> None:
        """It does not take it, or was never asked; if it was asked before, it may have taken it then."""
        self._end(order)
        rooms = self.holdings.rooms
        end = rooms.doubt if order.token in self.unheard else rooms.release
        done(end(SN, [order.place], order.token))

    @rule(enrollid=PEOPLE, backupnum=SLOTS)
    def enrol(self, enrollid: int, backupnum: int) -> None:
        """Somebody enrols at the keypad where no order needs the place, and the terminal tells of it."""
        promised = [order.place for order in self.open]
        slots, people = {*self.slots, *promised}, {*self.people, *(number for number, _ in promised)}
        after = counted(slots | {(enrollid, backupnum)}, people | {enrollid})
        if all(after[kind] <= size for kind, size in SIZE.items()):
            self.slots.add((enrollid, backupnum))
            self.people.add(enrollid)
            held = Held(Proof.READ, "v", self.now())
            done(self.holdings.told(SN, enrollid, backupnum, held, HeldPerson()))

    @rule(enrollid=PEOPLE, backupnum=st.sampled_from([0, 1, 11, 12, 13]))
    def delete(self, enrollid: int, backupnum: int) -> None:
        """An order takes something away, or finds that it is not there."""
        gone = {12: (0, 1), 13: (0, 1, 11)}.get(backupnum, (backupnum,))
        self.slots -= {(enrollid, slot) for slot in gone}
        if backupnum == 13:
            self.people.discard(enrollid)
        done(self.holdings.gone(SN, enrollid, backupnum))

    @rule()
    def read_list(self) -> None:
        """Its whole list is read; people without credentials stand in it too."""
        at = self.now()
        bare = self.people - {enrollid for enrollid, _ in self.slots}
        entries = [(*slot, 0) for slot in sorted(self.slots)] + [(one, None, 0) for one in sorted(bare)]
        done(self.holdings.listed(SN, entries, at))

    @rule()
    def clean(self) -> None:
        """Everybody is deleted."""
        self.slots, self.people = set(), set()
        self.client.now += 1000
        self.moment += 1
        done(self.holdings.cleared(SN))

    def _take(self, order: Order) -> None:
        self.slots.add(order.place)
        self.people.add(order.place[0])

    def _end(self, order: Order) -> None:
        self.open = [one for one in self.open if one.token != order.token]

    @invariant()
    def is_never_overfilled(self) -> None:
        """What is there, with all that may still come, has room."""
        promised = [order.place for order in self.open]
        all_of_it = counted({*self.slots, *promised}, {*self.people, *(number for number, _ in promised)})
        for kind, size in SIZE.items():
            assert all_of_it[kind] <= size, f"{all_of_it[kind]} {kind} on a terminal of {size}"

    @invariant()
    def counts_are_right(self) -> None:
        """What is counted step by step is what there is."""
        kept = self._kept()
        counts, coming = (json.loads(kept.get(name, "{}")) for name in ("counts", "coming"))
        rows = {
            tuple(map(int, name.split("/"))): json.loads(kept[name])
            for name in kept
            if "/" in name[1:] and name[0] != "+"
        }
        slots = {(slot[0], slot[1]) for slot, row in rows.items() if row[0] in THERE}
        people = {int(name) for name in kept if name.isdigit()}
        reserved = self.client.call("ZRANGE", self.client.keys.reserved(SN), 0, -1)
        places = {(int(text.split("/")[0]), int(text.split("/")[1].split()[0])) for text in reserved}
        assert _positive(counts) == counted(slots, people)
        assert _positive(coming) == counted(places - slots, {one for one, _ in places} - people)

    def _kept(self) -> dict[str, str]:
        flat = self.client.call("HGETALL", self.client.keys.holds(SN))
        return dict(zip(flat[::2], flat[1::2], strict=True))


def _positive(counts: dict[str, int]) -> Counter[str]:
    return Counter({kind: count for kind, count in counts.items() if count})


class NeverOverfilledTests(SynchronousTestCase):
    """Orders, answers that are lost, keypads, lists and registrations in any order."""

    def test_in_any_order(self) -> None:
        """Nothing makes the server order more than fits, and no count goes astray."""
        store = RealStore("--appendfsync", "no", "--save", "").start()
        self.addCleanup(store.remove)
        machine = type("Machine", (Machine,), {"store": store})
        run_state_machine_as_test(
            machine,
            settings=settings(
                max_examples=100,
                stateful_step_count=30,
                deadline=None,
                derandomize=True,
                suppress_health_check=[*HealthCheck],
            ),
        )
