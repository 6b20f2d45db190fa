"""Erasing people at one terminal: delete, then look, and believe only its own list (docs/people.md).

All erasures that are open there are done in one visit, and proven by one reading. Each order has a key made
of what was tried before, so whoever goes on after a kill finds the same orders.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

import msgspec

from tfserver.commander import BadOrder, Refused
from tfserver.credentials import ALL_FINGERPRINTS, PHOTO, WHOLE_USER
from tfserver.model import Admission, Terminal, rfc3339
from tfserver.order import ENDS as ORDER_ENDS
from tfserver.order import Order, OrderState
from tfserver.people.clearing import OWN, Means
from tfserver.person import Holding
from tfserver.store.people.erasures import TERMINAL, At, Place, PlaceState

AWAY_SECONDS: Final = 900.0
"""How often is looked after a terminal that is away; it is visited as soon as it registers."""
SOON_SECONDS: Final = 2.0
ORDER_SECONDS: Final = 60.0
LIST_SECONDS: Final = 600.0
TTL: Final = 600
"""Seconds after which an order is given up that did not get through: none waits for who is away."""
DAY_SECONDS: Final = 86_400.0
FIRST_SECONDS: Final = 60.0
SKEW_MS: Final = 60_000
"""Clocks of processes differ by less: a reading of others counts when it was so much later."""
MOST_FAILED: Final = 3
"""So often it is tried again soon; then once a day."""
_ROUNDS: Final = 2
"""Of deleting more thoroughly, each followed by a look."""
_MOST_SLOTS: Final = 60


class Later(Exception):
    """An order goes on: come again, and await it."""


class Undone(Exception):
    """Nothing came of an order, and why; ``was_there``: the terminal got it, or could have."""

    def __init__(self, told: str, was_there: bool = True) -> None:
        super().__init__(told)
        self.told = told
        self.was_there = was_there


class Listed(NamedTuple):
    """Whom a terminal has, with which slots, by a list that was read to its end at a moment (RFC 3339)."""

    people: dict[int, list[int]]
    read: str
    order_id: str


class Visiting:
    """Visits terminals; ``do`` is the errand."""

    def __init__(self, means: Means) -> None:
        self._means = means

    async def do(self, name: str) -> float | None:
        """Erase at one terminal whoever is to be erased there; in how many seconds again, or None."""
        wanted = await self._means.erasures.at(name)
        if not wanted:
            return None
        terminal = await self._means.terminals.get(name)
        if terminal is None:
            # whoever sees the erasure through tells what that means
            await self._means.errands.add(*(one.asked.id for one in wanted))
            return None
        away = _away(terminal)
        if away:
            await self._wait(name, wanted, away)
            is_awaited = await self._means.visits.await_terminal(name, name)
            return (
                AWAY_SECONDS if is_awaited or terminal.admission is not Admission.APPROVED else SOON_SECONDS
            )
        due = [one for one in wanted if self._left(one) <= 0]
        try:
            if due:
                await Visit(self._means, terminal, due).make()
        except Later:
            return SOON_SECONDS
        left = [self._left(one) for one in await self._means.erasures.at(name)]
        return max(SOON_SECONDS, min(left)) if left else None

    async def _wait(self, sn: str, wanted: Iterable[At], why: str) -> None:
        now = self._means.erasures.now_ms()
        for one in wanted:
            if one.place.told != why:
                waiting = msgspec.structs.replace(
                    one.place, state=PlaceState.WAITING, told=why, at=now, proof=""
                )
                await self._means.erasures.tell(one.asked.id, TERMINAL + sn, one.raw, waiting)

    def _left(self, one: At) -> float:
        """Seconds until it is tried again; at once, but for one that refused, or did not answer."""
        place = one.place
        if not place.tried:
            return 0.0
        wait = DAY_SECONDS if place.state is PlaceState.REFUSED else _backoff(place.tries)
        return place.tried / 1000 + wait - self._means.erasures.now_ms() / 1000


class Visit:
    """One visit to a terminal that is there."""

    def __init__(self, means: Means, terminal: Terminal, wanted: list[At]) -> None:
        self._means = means
        self._sn = terminal.sn
        self._site = terminal.site
        self._wanted = {one.asked.enrollid: one for one in wanted}
        tried = sorted(f"{one.asked.id} {one.place.tries}" for one in wanted)
        self._name = hashlib.sha256(f"{self._sn} {' '.join(tried)}".encode()).hexdigest()[:24]
        self._lists = 0
        self._deleted: dict[int, list[int]] = {}

    async def make(self) -> None:
        """Delete, look, and tell what came of it. Raises Later; whoever comes then awaits the same orders."""
        try:
            await self._make()
        except Undone as undone:
            await self._fail(undone)

    async def _make(self) -> None:
        holding = await self._means.holdings.of(self._sn)
        await self._believe(holding)
        known = _by_slots(holding)
        for enrollid in sorted(one for one in self._wanted if one in known or self._was_there(one)):
            await self._delete(enrollid, [WHOLE_USER])
        for number in range(_ROUNDS + 1):
            if not self._wanted:
                return
            listed = await self._list()
            for enrollid in sorted(self._wanted.keys() - listed.people.keys()):
                await self._prove(enrollid, listed)
            if number < _ROUNDS:
                for enrollid in sorted(self._wanted):
                    await self._delete(enrollid, self._more(enrollid, listed.people[enrollid]))
        for enrollid in sorted(self._wanted):
            slots = ", ".join(map(str, self._deleted.get(enrollid, [])))
            told = f"it is still on the list read at {listed.read}, after deleteuser {slots}"
            await self._refuse(enrollid, told)

    def _was_there(self, enrollid: int) -> bool:
        return self._wanted[enrollid].place.tries > 0

    def _more(self, enrollid: int, slots: list[int]) -> list[int]:
        """What to delete of somebody who is on the list: first the whole person, then, as some leave a part
        of it, everything piece by piece (protocol §3.1 c)."""
        if WHOLE_USER not in self._deleted.get(enrollid, []):
            return [WHOLE_USER]
        pieces = [ALL_FINGERPRINTS, PHOTO, *slots[:_MOST_SLOTS], WHOLE_USER]
        return list(dict.fromkeys(pieces))

    async def _believe(self, holding: Holding) -> None:
        """A list that somebody else read since says as much as one of our own."""
        reading = holding.reading
        if reading is None:
            return
        at, known = rfc3339_of(reading.at), _by_slots(holding)
        for enrollid, one in list(self._wanted.items()):
            since = max(one.ordered, one.place.tried, one.place.at) + SKEW_MS
            if reading.at > since and enrollid not in known:
                await self._prove(enrollid, Listed({}, at, ""))

    async def _delete(self, enrollid: int, slots: list[int]) -> None:
        """Delete these, one after another. What the terminal says of it is not believed either way."""
        one = self._wanted[enrollid]
        for slot in slots:
            done = self._deleted.setdefault(enrollid, [])
            key = f"{one.asked.id} {self._sn} {one.place.tries} {len(done)} {slot}"
            fields = {"enrollid": enrollid, "backupnum": slot}
            try:
                order = await self._ask("deleteuser", fields, f"{OWN}{one.asked.id}", key, ORDER_SECONDS)
            except BadOrder:
                # a slot that nobody can delete by itself
                continue
            if order.state not in (OrderState.DONE, OrderState.REFUSED):
                raise _undone(order)
            done.append(slot)

    async def _list(self) -> Listed:
        self._lists += 1
        key = f"{self._name} list {self._lists}"
        order = await self._ask("getuserlist", {}, OWN.strip(), key, LIST_SECONDS)
        if order.state is not OrderState.DONE:
            raise _undone(order)
        reply = order.reply or {}
        if not reply.get("complete"):
            raise Undone("its list could not be read to the end")
        read, users = order.finished or "", reply.get("users")
        if users is not None:
            return Listed(_by_person(users), read, order.id)
        known = _by_slots(await self._means.holdings.of(self._sn))
        return Listed({number: known[number] for number in self._wanted if number in known}, read, order.id)

    async def _ask(self, cmd: str, fields: dict[str, Any], actor: str, key: str, seconds: float) -> Order:
        """An order and its end; Later when it has none yet, or can't be put now."""
        asker = self._means.asker.called(actor)
        try:
            order = await asker.ask(self._sn, cmd, fields, key=key, seconds=seconds, ttl=TTL)
        except BadOrder:
            raise
        except Refused as refused:
            raise Undone(str(refused), was_there=False) from refused
        if order.state not in ORDER_ENDS:
            raise Later
        return order

    async def _prove(self, enrollid: int, listed: Listed) -> None:
        one = self._wanted.pop(enrollid)
        for place, token in await self._means.traces.reservations(self._sn, enrollid):
            await self._means.holdings.release(self._sn, [place], token)
        slots = self._deleted.get(enrollid)
        told = f"deleted: {', '.join(map(str, slots))}" if slots else "it was not there"
        proof = f"not on the list read at {listed.read}"
        if listed.order_id:
            proof += f" (order {listed.order_id})"
        now = self._means.erasures.now_ms()
        await self._tell(one, Place(PlaceState.DONE, told, now, proof, one.place.tries, one.place.tried))
        await self._means.errands.add(one.asked.id)

    async def _refuse(self, enrollid: int, told: str) -> None:
        one, now = self._wanted.pop(enrollid), self._means.erasures.now_ms()
        place = one.place
        refused = Place(PlaceState.REFUSED, told, now, "", place.tries + 1, now, place.failed + 1)
        news = {"event": "erasure", "sn": self._sn, "site": self._site, "erasure": one.asked.id, "why": told}
        await self._tell(one, refused, news)

    async def _fail(self, undone: Undone) -> None:
        """None of those who are left could be done: a terminal that goes on like that refuses."""
        for enrollid in sorted(self._wanted):
            one, now = self._wanted[enrollid], self._means.erasures.now_ms()
            failed = one.place.failed + undone.was_there
            if undone.was_there and failed >= MOST_FAILED:
                await self._refuse(enrollid, undone.told)
            else:
                tries = one.place.tries + 1
                await self._tell(one, Place(PlaceState.OPEN, undone.told, now, "", tries, now, failed))

    async def _tell(self, one: At, place: Place, news: dict[str, Any] | None = None) -> None:
        await self._means.erasures.tell(one.asked.id, TERMINAL + self._sn, one.raw, place, news)


def rfc3339_of(ms: int) -> str:
    """A moment as text."""
    return rfc3339(datetime.fromtimestamp(ms / 1000, UTC))


def _away(terminal: Terminal) -> str:
    """Why nothing can be ordered now; empty when it can."""
    if terminal.admission is not Admission.APPROVED:
        return f"it is {terminal.admission.value}: only approved terminals take orders"
    if terminal.online:
        return ""
    return f"it is offline; heard last at {terminal.last_frame or 'no time'}"


def _backoff(tries: int) -> float:
    return min(FIRST_SECONDS * 4.0 ** min(max(tries, 1) - 1, 6), DAY_SECONDS)


def _by_slots(holding: Holding) -> dict[int, list[int]]:
    """The slots of everybody there, in one look: many may be erased at once where ten thousand are."""
    found: dict[int, list[int]] = {enrollid: [] for enrollid in holding.people}
    for enrollid, slot in sorted(holding.credentials):
        found.setdefault(enrollid, []).append(slot)
    return found


def _by_person(users: list[dict[str, Any]]) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for entry in users:
        number, slot = entry.get("enrollid"), entry.get("backupnum")
        if isinstance(number, int):
            found.setdefault(number, []).extend([slot] if isinstance(slot, int) else [])
    return found


def _undone(order: Order) -> Undone:
    said = order.error.message if order.error is not None else order.state.value
    was_there = order.attempts > 0 or order.state not in (OrderState.EXPIRED, OrderState.CANCELLED)
    return Undone(f"{order.cmd}: {said}", was_there)
