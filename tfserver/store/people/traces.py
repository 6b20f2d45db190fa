"""What is kept of a person beside the directory: in orders, in the quarantine, beside punches, at terminals.

Each look is bounded; whoever clears them comes again until there is nothing.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from typing import Any, Final, NamedTuple

import msgspec

from tfserver.model import canonical_sn
from tfserver.order import ENDS, OrderState
from tfserver.store.client import Client

ORDERS_A_CALL: Final = 100
RECORDS_A_CALL: Final = 500
PICTURES_A_CALL: Final = 500
PEOPLE_A_CALL: Final = 500
_KEPT: Final = frozenset({"enrollid", "backupnum"})
_TOLD_OF_PEOPLE: Final = frozenset({"senduser", "getuserinfo"})


class Trace(NamedTuple):
    """An order that names a person: who put it, and whether it is over."""

    id: str
    actor: str
    is_over: bool
    shown: Any
    args: Any
    reply: Any


class _Told(msgspec.Struct):
    actor: str = ""


class Traces:
    """Looks for them, and takes them out."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def orders(self, sn: str, enrollid: int) -> AsyncIterator[Trace]:
        """The orders of a terminal that name a person."""
        keys, start = self._client.keys, 0
        while True:
            args = ["orders", keys.order(""), enrollid, start, ORDERS_A_CALL]
            many, *flat = await self._client.read_script("traces", [keys.orders(sn)], args)
            for n in range(0, len(flat), 6):
                yield _trace(*flat[n : n + 6])
            start += many
            if many < ORDERS_A_CALL:
                return

    async def deleted(self) -> set[str]:
        """The terminals that were deleted and have orders here still; the others are remembered no longer."""
        keys, found = self._client.keys, set[str]()
        for sn in await self._client.read("SMEMBERS", keys.deleted):
            if await self._client.read("EXISTS", keys.orders(sn)):
                found.add(sn)
            else:
                await self._client.write("SREM", keys.deleted, sn)
        return found

    async def redact(self, trace: Trace, enrollid: int) -> bool:
        """Leave of a person only the number in an order that is over; False when there was nothing more."""
        parts = [_without(part, enrollid) for part in (trace.shown, trace.args, trace.reply)]
        if _is_of(trace.args, enrollid):
            parts[2] = None if trace.reply is None else {}
        if parts == [trace.shown, trace.args, trace.reply]:
            return False
        texts = ["" if part is None else msgspec.json.encode(part).decode() for part in parts]
        return bool(await self._run([self._client.keys.order(trace.id)], "redact", *texts))

    async def clear_quarantine(self, enrollid: int) -> int:
        """Forget what terminals told of a person and could not be read; how much that was. Punches that
        could not be read stay."""
        keys, count, after = self._client.keys, 0, "-"
        while True:
            found = await self._client.read("XRANGE", keys.quarantine, after, "+", "COUNT", RECORDS_A_CALL)
            for place, flat in found:
                fields = dict(zip(flat[::2], flat[1::2], strict=True))
                if _tells_of(fields.get("raw", ""), enrollid):
                    names = [keys.quarantine, keys.quarantine_shares]
                    count += int(await self._run(names, "unquarantine", place, fields.get("sn", "")))
            if len(found) < RECORDS_A_CALL:
                return count
            after = f"({found[-1][0]}"

    async def drop_pictures(self, uids: Iterable[str]) -> int:
        """Forget the pictures of these punches; how many there were."""
        names = [self._client.keys.image(uid) for uid in uids]
        parts = [names[n : n + PICTURES_A_CALL] for n in range(0, len(names), PICTURES_A_CALL)]
        return sum([int(await self._client.write("DEL", *part)) for part in parts])

    async def archived_until(self) -> int | None:
        """All punches that came before this moment (ms) are archived; None: all there are."""
        keys = self._client.keys
        place = await self._client.read("HGET", keys.archived, "place")
        start = f"({place}" if place else "-"
        waiting = await self._client.read("XRANGE", keys.punches, start, "+", "COUNT", 1)
        return int(waiting[0][0].partition("-")[0]) if waiting else None

    async def reservations(self, sn: str, enrollid: int) -> list[tuple[tuple[int, int], str]]:
        """The places that are kept free for a person on a terminal, each with its token."""
        members = await self._client.read("ZRANGE", self._client.keys.reserved(sn), 0, -1)
        found = []
        for member in members:
            name, _, token = member.partition(" ")
            number, _, slot = name.partition("/")
            if number == str(enrollid):
                found.append(((enrollid, int(slot)), token))
        return found

    async def forget_enrolment(self, sn: str, enrolment_id: str) -> None:
        """Forget an enrolment that is over."""
        keys = self._client.keys
        await self._client.write("DEL", keys.enrolment(enrolment_id))
        await self._client.write("ZREM", keys.enrolments, f"{canonical_sn(sn)} {enrolment_id}")

    async def expire_strangers(self, life_ms: int) -> int:
        """Let people go whom the directory does not know, so long after terminals told of them last; how many
        were found."""
        cursor, count = "0", 0
        pattern = self._client.keys.user(0)[:-1]
        escaped = "".join(f"\\{letter}" if letter in r"\*?[]^-" else letter for letter in pattern)
        while True:
            cursor, names = await self._client.read(
                "SCAN", cursor, "MATCH", f"{escaped}*", "COUNT", PEOPLE_A_CALL
            )
            if names:
                count += int(await self._run(names, "expire", life_ms))
            if str(cursor) == "0":
                return count

    async def rewrite_file(self) -> None:
        """Let the store write its append-only file anew, in the background: what was deleted stands there
        until then. StoreError where that is not allowed."""
        await self._client.write("BGREWRITEAOF")

    async def trim_audit(self, before_ms: int) -> int:
        """Forget who did what before this moment; how much that was."""
        return int(await self._client.write("XTRIM", self._client.keys.audit, "MINID", f"{before_ms}-0"))

    async def _run(self, names: list[str], *args: Any) -> Any:
        return await self._client.keep("traces", names, list(args))


def _trace(order_id: str, state: str, told: str, shown: str, args: str, reply: str) -> Trace:
    is_over = bool(state) and OrderState(state) in ENDS
    actor = msgspec.json.decode(told, type=_Told).actor if told else ""
    return Trace(order_id, actor, is_over, *(_decoded(text) for text in (shown, args, reply)))


def _decoded(text: str) -> Any:
    return msgspec.json.decode(text) if text else None


def _is_of(value: Any, enrollid: int) -> bool:
    return isinstance(value, dict) and str(value.get("enrollid")) == str(enrollid)


def _without(value: Any, enrollid: int) -> Any:
    """What is left when of this person only the number is told, at any depth."""
    if _is_of(value, enrollid):
        return {name: inner for name, inner in value.items() if name in _KEPT}
    if isinstance(value, dict):
        return {name: _without(inner, enrollid) for name, inner in value.items()}
    return [_without(inner, enrollid) for inner in value] if isinstance(value, list) else value


def _tells_of(raw: str, enrollid: int) -> bool:
    try:
        told = msgspec.json.decode(raw)
    except msgspec.DecodeError:
        return False
    is_about = isinstance(told, dict) and told.get("cmd") in _TOLD_OF_PEOPLE
    return is_about and _number(told.get("enrollid")) == enrollid


def _number(told: Any) -> float | None:
    """As terminals write numbers: also as text, with zeros before it, or ``7.0``."""
    try:
        return int(told) if isinstance(told, int) or str(told).strip().isdigit() else float(told)
    except (TypeError, ValueError):
        return None
