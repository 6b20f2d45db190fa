"""Orders on their way to terminals: put by any process, taken by the one that holds the lease (design §3).

Each order has one end. The states and what moves them are ``tfserver.order.ORDER_TRANSITIONS``; the steps are
one script, so that of two processes that end an order only the first does.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

import msgspec
from twisted.internet.defer import DeferredList

from tfserver.config import Orders as OrderSettings
from tfserver.errors import StoreError, StoreUnavailable
from tfserver.model import canonical_sn, rfc3339
from tfserver.order import ORDER_TRANSITIONS, Danger, Order, OrderError, OrderEvent, OrderState
from tfserver.store.audit import ordered
from tfserver.store.client import Client
from tfserver.store.datakeys import DataKeys
from tfserver.store.storetime import StoreTime
from tfserver.store.turn import Question, Turn
from tfserver.store.vault import Vault

MOST_A_CALL: Final = 12
"""A question takes the store 40 to 70 µs, so a call takes less than 1 ms, and the two that are under way less
than 2: that is what punches wait beside a flood of orders (with 100 a call it was 10). Fewer would not pay: a
call costs half a question by itself."""
MOST_ATTEMPTS: Final = 5
SWEPT_A_CALL: Final = 16
DOUBTED_A_CALL: Final = 100
MOST_DOORS: Final = 10
"""For doors there is so much more room than for all others: who fills a queue locks nobody out."""
DUE_A_LOOK: Final = 500
MOST_BACKFILLS: Final = 10_000
"""Of all terminals together; the oldest are forgotten first."""
MOST_DAYS_OPEN: Final = 8
"""An order waits no longer than seven days (LIVES), and its deadlines are swept."""
_REKEYED: Final = 3


class NewOrder(NamedTuple):
    """An order to be put. ``args`` go to the terminal, ``shown`` is what people see of them; ``secrets`` are
    fields that are sealed meanwhile, of the person ``enrollid``, in the slot ``backupnum``. Somebody in this
    process ``waits`` for its end; what is ``noted`` stands in the audit with it; ``places`` are reserved for
    it (``Rooms.members``); of the ``people`` that it would bring or name nobody may have been erased."""

    sn: str
    cmd: str
    args: dict[str, Any]
    shown: dict[str, Any]
    danger: Danger
    subject: str
    ttl: float
    within: float
    actor: str
    secrets: dict[str, str] = {}
    enrollid: int = 0
    backupnum: int = 0
    key: str = ""
    digest: str = ""
    needs_proof: bool = False
    waits: bool = False
    noted: bool = False
    places: tuple[str, ...] = ()
    people: tuple[int, ...] = ()


class _Told(msgspec.Struct, omit_defaults=True):
    """What never changes of an order that is kept; ``within`` in ms, ``asker`` waits for its end,
    ``generation`` is that of the store when it was put."""

    sn: str
    cmd: str
    danger: str
    subject: str
    within: int
    actor: str
    sealed: str | None = None
    asker: str | None = None
    backfill: str | None = None
    generation: int | None = None
    places: tuple[str, ...] = ()


class Group(NamedTuple):
    """The orders of a backfill: ``record`` (JSON) tells of it, ``key`` makes a repeat harmless."""

    id: str
    sn: str
    record: bytes
    key: str
    digest: str


class Put(NamedTuple):
    """What became of an order that was to be put: ``outcome`` is ``put`` or ``again``, with its id; or why
    not: ``reused``, ``unknown``, ``not approved``, ``offline``, ``dirty``, ``full``, with ``detail``.
    ``order`` is the one that was made now."""

    outcome: str
    detail: str
    order: Order | None = None


class Taken(NamedTuple):
    """An order that this connection has to carry out within ``left`` seconds."""

    id: str
    cmd: str
    args: dict[str, Any]
    left: float
    attempts: int
    danger: Danger
    broken: str = ""
    """Why it can't be carried out: what was sealed can't be opened."""


class Look(NamedTuple):
    """What a look into the queue found: an order, or whether there will be one ``later``. ``stale``: the
    lease is another's."""

    taken: Taken | None = None
    later: bool = False
    stale: bool = False


class Hand(NamedTuple):
    """What a connection has in hand: ``ids`` are all orders whose handing over was heard of on it, and whose
    end was not told yet; ``call`` counts its calls. Any other that an earlier call handed over was never
    said, and is handed over again."""

    call: int
    ids: Collection[str]


class Outcome(NamedTuple):
    """What happened to an order that was taken."""

    event: OrderEvent
    reply: dict[str, Any] | None = None
    error: OrderError | None = None


class Outbox:
    """All orders, as one process sees them."""

    def __init__(self, client: Client, vault: Vault, settings: OrderSettings, owner: str) -> None:
        self._client = client
        self._vault = vault
        self._settings = settings
        self._owner = owner
        self._turn = Turn(client.reactor, self._call, MOST_A_CALL)
        self._time = StoreTime(client)
        self._data_keys = DataKeys(client, vault)

    async def put(self, order: NewOrder) -> Put:
        """Let an order wait for its terminal, unless something speaks against it; then nothing is kept."""
        self._client.check_ready()
        # A plain digest of a command with a password in it would be enough to guess the password by.
        digest = self._vault.version_of(order.digest) if order.key else ""
        until = await self._time.until(order.ttl) if order.danger is Danger.DOOR else 0
        ask = self._turn.ask_first if order.danger is Danger.DOOR else self._turn.ask
        for _ in range(_REKEYED):
            args, sealed = await self._sealed(order) if order.secrets else (order.args, _NOTHING_SEALED)
            told = self._told(order, sealed=sealed[3] or None, asker=self._owner if order.waits else None)
            order_id = new_id()
            found = await ask(
                *_question(order_id, order, told, args),
                *(*sealed, order.key, digest, "1" if order.needs_proof else "0", until),
                ordered(order_id, told.actor, told.cmd, told.sn, order.shown) if order.noted else "",
                " ".join(map(str, order.people)),
            )
            if found[0] == "late":
                raise StoreUnavailable("it took longer than the order's seconds to keep it; nothing was kept")
            if found[0] == "put":
                self._time.heard(int(found[2]))
            if found[0] != "rekey":
                return _put(found, order)
            await self._data_keys.refused(order.enrollid, "".join(found[1:]))
        raise StoreError(f"user {order.enrollid} got new data keys faster than the order could be kept")

    async def _sealed(self, order: NewOrder) -> tuple[dict[str, Any], Question]:
        """The fields of an order without its secrets, and what the store is told of these."""
        text = msgspec.json.encode(order.secrets).decode()
        name = f"{order.enrollid}/{order.backupnum}/{self._vault.version_of(text)}"
        wrapped, is_new = await self._data_keys.of(order.enrollid)
        sealed = self._vault.seal(wrapped, order.enrollid, order.backupnum, text)
        args = {key: value for key, value in order.args.items() if key not in order.secrets}
        return args, (order.enrollid, wrapped, "1" if is_new else "0", name, sealed)

    async def put_all(self, group: Group, orders: dict[str, NewOrder]) -> Put:
        """Let the orders of a backfill wait, by their ids: all of them, or none. They have no secrets."""
        self._client.check_ready()
        keys, life = self._client.keys, (self._settings.days + MOST_DAYS_OPEN) * 86_400_000
        asked: list[Question] = [
            (
                *("group", canonical_sn(group.sn), len(orders), keys.backfill(group.id), group.record),
                *(keys.backfills, f"{canonical_sn(group.sn)} {group.id}", life, MOST_BACKFILLS),
                *(group.key, self._vault.version_of(group.digest)),
            )
        ]
        for order_id, order in orders.items():
            told = self._told(order, backfill=keys.backfill(group.id))
            question = _question(order_id, order, told, order.args)
            asked.append((*question, *_NOTHING_SEALED, "", "", "0", 0, "", ""))
        # one call of its own: what is asked of the store in one turn may go in several
        answers = await self._call(asked)
        for answer in answers:
            if isinstance(answer, Exception):
                raise answer
        return _put(answers[0], None)

    async def take(self, sn: str, connection: str, doors: bool = False, hand: Hand | None = None) -> Look:
        """The next order for this connection; with ``doors`` only one for a door. Without ``hand`` nothing is
        handed over again."""
        asked = ("take", canonical_sn(sn), connection, "1" if doors else "0", *_told_hand(hand))
        return self._look(await (self._turn.ask_first if doors else self._turn.ask)(*asked))

    async def finish(
        self, sn: str, connection: str, taken: Taken, outcome: Outcome, more: bool, hand: Hand | None = None
    ) -> Look:
        """Tell what happened to an order; with ``more`` take the next. Another's end of it stays."""
        state = ORDER_TRANSITIONS[OrderState.SENT, outcome.event]
        if outcome.event is OrderEvent.NOT_LEARNED and taken.danger is Danger.ORDINARY:
            # Harmless to try again, as far as attempts and time allow: the store knows.
            state = OrderState.QUEUED
        ask = self._turn.ask_first if taken.danger is Danger.DOOR else self._turn.ask
        found = await ask(
            *("finish", taken.id, connection, state.value, _written(outcome.reply), _written(outcome.error)),
            *("1" if outcome.event is OrderEvent.PUT_BACK else "0", "1" if more else "0", canonical_sn(sn)),
            *_told_hand(hand),
        )
        return self._look(found)

    async def progress(self, connection: str, taken: Taken, reply: dict[str, Any]) -> bool:
        """An order that takes long goes on; False when it has been ended meanwhile."""
        found: list[str] = await self._turn.ask("progress", taken.id, connection, _written(reply))
        return found[0] == "1"

    async def cancel(self, order_id: str, actor: str) -> OrderState | None:
        """Take an order back if it is still queued; the state before, None when there is no such order."""
        found = await self._turn.ask("cancel", order_id, actor)
        return None if found[0] == "missing" else OrderState(found[1])

    async def sweep(self) -> None:
        """End, or put back, every order of any terminal that is past its deadline."""
        while int((await self._turn.ask("sweep", SWEPT_A_CALL))[0]) >= SWEPT_A_CALL:
            pass

    async def end_doubtful(self) -> None:
        """The store failed over: end what waits and must not be said twice. It may know no more that this was
        sent. What was in hand then ends by its deadline."""
        kept = 0
        while True:
            found, ended = map(int, await self._turn.ask("doubt", kept, DOUBTED_A_CALL))
            kept += found - ended
            if found < DOUBTED_A_CALL:
                break

    async def due(self) -> list[str]:
        """Some terminals of this process that have open orders, canonical."""
        return list(await self._client.read("SRANDMEMBER", self._client.keys.due(self._owner), DUE_A_LOOK))

    async def not_ours(self, sns: list[str]) -> None:
        """These terminals are not connected here: forget that they have orders."""
        await self._client.write("SREM", self._client.keys.due(self._owner), *sns)

    async def get(self, order_id: str) -> Order | None:
        """One order, or None."""
        return _order(order_id, await self._client.read("HGETALL", self._client.keys.order(order_id)))

    async def listing(self, sn: str, limit: int, before: str) -> tuple[list[Order], str | None]:
        """Orders of a terminal, the newest first, older than the cursor ``before`` if there is one."""
        top = f"({before}" if before else "+inf"
        bounds = (top, "-inf", "WITHSCORES", "LIMIT", 0, limit + 1)
        flat = await self._client.read("ZREVRANGEBYSCORE", self._client.keys.orders(sn), *bounds)
        pairs = list(zip(flat[::2], flat[1::2], strict=True))
        ids = [order_id for order_id, _ in pairs[:limit]]
        asked = [self._client.read("HGETALL", self._client.keys.order(order_id)) for order_id in ids]
        rows: list[Any] = await DeferredList(asked, consumeErrors=True)
        for is_read, row in rows:
            if not is_read:
                row.raiseException()
        found = (_order(order_id, row) for order_id, (_, row) in zip(ids, rows, strict=True))
        return [order for order in found if order], pairs[limit - 1][1] if len(pairs) > limit else None

    def _told(self, order: NewOrder, **more: Any) -> _Told:
        within, sn, more["places"] = round(order.within * 1000), canonical_sn(order.sn), order.places
        told = _Told(sn, order.cmd, order.danger, order.subject, within, order.actor, **more)
        told.generation = None if order.danger is Danger.ORDINARY else self._client.generation
        return told

    def _look(self, found: list[Any]) -> Look:
        if found[0] != "order":
            return Look(later=found[0] == "later", stale=found[0] == "stale")
        _, order_id, cmd, args, left, attempts, danger, name, wrapped, sealed = found
        fields, broken = msgspec.json.decode(args), ""
        if name:
            try:
                fields.update(self._opened(fields, wrapped, sealed))
            except StoreError as wrong:
                broken = str(wrong)
        return Look(Taken(order_id, cmd, fields, int(left) / 1000, int(attempts), Danger(danger), broken))

    def _opened(self, fields: dict[str, Any], wrapped: str, sealed: str) -> dict[str, Any]:
        if not (wrapped and sealed):
            raise StoreError("what was sealed for it has been forgotten")
        enrollid, backupnum = fields.get("enrollid", 0), fields.get("backupnum", 0)
        opened: dict[str, Any] = msgspec.json.decode(self._vault.open(wrapped, enrollid, backupnum, sealed))
        return opened

    async def _call(self, questions: list[Question]) -> list[Any]:
        keys, settings = self._client.keys, self._settings
        args: list[Any] = [keys.order(""), keys.orders(""), keys.queue(""), keys.terminal(""), keys.alive("")]
        args += (keys.due(""), keys.wake(""), keys.prefix + "user:", keys.sealed(""), keys.idempotency(""))
        args += (self._owner, settings.most_open, settings.most_open + MOST_DOORS, settings.most_ended)
        args += (settings.days * 86_400_000, MOST_ATTEMPTS, self._client.generation, keys.holds(""))
        for question in questions:
            args += question
        names = [keys.deadlines, keys.sequence, keys.events, keys.audit, keys.meta, keys.erased]
        return [self._answer(answer) for answer in await self._client.keep("outbox", names, args)]

    def _answer(self, answer: Any) -> Any:
        return self._client.meaning(answer[1]) if answer[0] == "failed" else answer


def new_id() -> str:
    """An id that no other order has."""
    return secrets.token_hex(10)


_NOTHING_SEALED: Final[Question] = (0, "", "0", "", "")


def _question(order_id: str, order: NewOrder, told: _Told, args: dict[str, Any]) -> Question:
    """What is asked with any order that is put; what may be sealed and its key follow."""
    return (
        *("put", order_id, told.sn, told.cmd, told.danger, round(order.ttl * 1000)),
        *(msgspec.json.encode(told), msgspec.json.encode(args), msgspec.json.encode(order.shown)),
    )


def _put(found: list[Any], order: NewOrder | None) -> Put:
    if order is None or found[0] != "put":
        return Put(found[0], found[1] if len(found) > 1 else "")
    made = Order(
        id=found[1],
        sn=canonical_sn(order.sn),
        cmd=order.cmd,
        args=order.shown,
        state=OrderState.QUEUED,
        reply=None,
        error=None,
        actor=order.actor,
        created=_time(found[2]),
        sent=None,
        finished=None,
        expires=_time(found[3]),
        attempts=0,
    )
    return Put("put", found[1], made)


def _told_hand(hand: Hand | None) -> tuple[int, str]:
    return (0, "") if hand is None else (hand.call, " ".join(hand.ids))


def _written(told: Any) -> bytes:
    return b"" if told is None else msgspec.json.encode(told)


def _order(order_id: str, flat: list[str]) -> Order | None:
    fields = dict(zip(flat[::2], flat[1::2], strict=True))
    if "told" not in fields:
        return None
    told = msgspec.json.decode(fields["told"], type=_Told)
    reply, error = fields.get("reply"), fields.get("error")
    return Order(
        id=order_id,
        sn=told.sn,
        cmd=told.cmd,
        args=msgspec.json.decode(fields["shown"]),
        state=OrderState(fields["state"]),
        reply=msgspec.json.decode(reply) if reply else None,
        error=msgspec.json.decode(error, type=OrderError) if error else None,
        actor=told.actor,
        created=_time(fields["created"]),
        sent=_time(fields["sent"]) if "sent" in fields else None,
        finished=_time(fields["finished"]) if "finished" in fields else None,
        expires=_time(fields["expires"]),
        attempts=int(fields.get("attempts", 0)),
    )


def _time(ms: str) -> str:
    return rfc3339(datetime.fromtimestamp(float(ms) / 1000, UTC))
