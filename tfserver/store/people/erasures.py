"""Orders to forget people, and what came of each at every place (docs/people.md, "Erasing").

The first step is one script: the person leaves the directory and its indexes, and its data key is destroyed,
so that what is sealed under it opens nowhere any more. An erasure keeps no name.
"""

from __future__ import annotations

import enum
import hashlib
import secrets
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

import msgspec

from tfserver.model import canonical_sn, rfc3339
from tfserver.store.client import Client
from tfserver.store.errands import WORD

ERASURE: Final = "erasure"
"""The errands that see an erasure through, by its id."""
VISIT: Final = "erasing"
"""The errands that erase at a terminal, by its serial number."""
LETTER: Final = "e"
"""So the ids of erasures begin."""
SERVER: Final = "s:"
TERMINAL: Final = "t:"
A_LOOK: Final = 100
TOMBS_A_LOOK: Final = 500


class PlaceState(enum.StrEnum):
    """How far it is at one place."""

    OPEN = "open"
    WAITING = "waiting"
    """The terminal can't be reached now."""
    REFUSED = "refused"
    """The terminal says no, or said true and has it still. It is tried again every day."""
    DONE = "done"
    KEPT = "kept"
    """It is not erased there, and why."""
    UNPROVEN = "unproven"
    """Nobody will ever learn: the terminal was deleted."""


ENDS: Final = frozenset({PlaceState.DONE, PlaceState.KEPT, PlaceState.UNPROVEN})


class Place(msgspec.Struct, frozen=True, array_like=True):
    """What came of it at one place, since when (ms). ``proof`` is what it is known by; ``tries`` counts what
    was tried there without success, ``failed`` when the terminal was there, the last time at ``tried`` (ms).
    """

    state: PlaceState
    told: str = ""
    at: int = 0
    proof: str = ""
    tries: int = 0
    tried: int = 0
    failed: int = 0


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What never changes of an erasure."""

    id: str
    enrollid: int
    actor: str
    reason: str


class Going(NamedTuple):
    """An erasure that is open: ``ordered`` (ms), and its places by their fields, as they stand there."""

    asked: Asked
    ordered: int
    raw: dict[str, str]

    def places(self) -> dict[str, Place]:
        """All places, by their fields."""
        return {field: place_of(text) for field, text in self.raw.items()}


class At(NamedTuple):
    """An open erasure at one terminal."""

    asked: Asked
    ordered: int
    place: Place
    raw: str


class ShownPlace(msgspec.Struct, frozen=True):
    """One place of a report. ``place`` is ``terminal``, with its ``sn``, or what there is of the server."""

    place: str
    sn: str | None
    state: PlaceState
    at: str | None
    told: str
    proof: str


class Summary(msgspec.Struct, frozen=True):
    """An erasure without its places: how many of these are in which state."""

    id: str
    enrollid: int
    actor: str
    reason: str
    ordered: str
    state: str
    ended: str | None
    proven: bool
    counts: dict[str, int]


class Report(Summary, frozen=True):
    """All that is known of an erasure. When it is over, ``sha256`` is that of this object as compact JSON in
    this order, without the last field; the audit has it too."""

    places: list[ShownPlace]
    sha256: str | None = None


class Standing(NamedTuple):
    """How many erasures are open, and when the first of them was ordered (ms; 0: none is)."""

    open: int = 0
    oldest: int = 0


class Erasures:
    """All erasures that are open, or remembered."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def now_ms(self) -> int:
        """The present moment."""
        seconds: float = self._client.reactor.seconds()
        return round(1000 * seconds)

    async def order(self, asked: Asked, clear: Iterable[str], keep: Mapping[str, str]) -> tuple[str, bool]:
        """Forget a person, and let all other places be cleared: ``clear`` names those of the server, ``keep``
        those that keep what they have, and why. The id, and whether it is a new one: a person that is being
        erased is not erased twice."""
        keys, number = self._client.keys, asked.enrollid
        names = [*self._names(asked.id), keys.user(number), keys.people, keys.names, keys.external_ids]
        names += (keys.collisions, keys.holders(number), keys.errands(ERASURE), keys.meta)
        args = ["order", asked.id, number, msgspec.json.encode(asked), asked.actor, keys.members("")]
        args += (keys.everybody, WORD + ERASURE, msgspec.json.encode(list(clear)))
        args.append(msgspec.json.encode(dict(keep)))
        outcome, found = await self._client.keep("erasures", names, args)
        return found, outcome == "made"

    async def get(self, erasure_id: str) -> Report | None:
        """The report, as far as it is, or None."""
        flat = await self._client.read("HGETALL", self._client.keys.erasure(erasure_id))
        fields = dict(zip(flat[::2], flat[1::2], strict=True))
        if "report" in fields:
            told = msgspec.json.decode(fields["report"], type=Report)
            return msgspec.structs.replace(told, sha256=fields["sha256"])
        going = _going(fields)
        return None if going is None else report_of(going, None)

    async def going(self, erasure_id: str) -> Going | None:
        """One that is open; None when it is over, or was never ordered."""
        flat = await self._client.read("HGETALL", self._client.keys.erasure(erasure_id))
        return _going(dict(zip(flat[::2], flat[1::2], strict=True)))

    async def listing(self, limit: int, before: str) -> tuple[list[Summary], str | None]:
        """The newest first, and the cursor of those behind them."""
        bounds = (f"({before}" if before else "+inf", "-inf", "WITHSCORES", "LIMIT", 0, limit + 1)
        flat = await self._client.read("ZREVRANGEBYSCORE", self._client.keys.erasures, *bounds)
        pairs = list(zip(flat[::2], flat[1::2], strict=True))
        found = [await self.get(one) for one, _ in pairs[:limit]]
        following = pairs[limit - 1][1] if len(pairs) > limit else None
        return [_summary(one) for one in found if one is not None], following

    async def open_ids(self) -> list[str]:
        """The ids of those that are open."""
        found: list[str] = await self._client.read("ZRANGE", self._client.keys.errands(ERASURE), 0, -1)
        return found

    async def at(self, sn: str) -> list[At]:
        """What is to be done at a terminal."""
        return [
            At(msgspec.json.decode(told, type=Asked), int(ordered), place_of(raw), raw)
            for told, ordered, raw in await self._look(TERMINAL + canonical_sn(sn))
            if raw and place_of(raw).state not in ENDS
        ]

    async def terminals(self) -> set[str]:
        """All terminals that are known, canonical."""
        return set(await self._client.read("ZRANGE", self._client.keys.terminals, 0, -1))

    async def tell(
        self, erasure_id: str, field: str, before: str, place: Place, news: dict[str, Any] | None = None
    ) -> str | None:
        """Say how far it is at a place; as it stands there now, or None when it stood otherwise than
        ``before`` (empty: not at all)."""
        after = msgspec.json.encode(place).decode()
        told = "" if news is None else msgspec.json.encode(news).decode()
        return after if await self._ask(erasure_id, "tell", field, before, after, told) else None

    async def finish(self, going: Going) -> Report | None:
        """All places have ended, as they are told here; the report is what it is from now on. None when
        something changed meanwhile."""
        report = report_of(going, self.now_ms())
        body = body_of(report)
        digest = hashlib.sha256(body).hexdigest()
        detail = {"erasure": report.id, "enrollid": report.enrollid, "sha256": digest}
        outcome = "done" if report.proven else "done, but not proven everywhere"
        told = {"actor": report.actor, "what": "erase", "sn": "", "outcome": outcome, "detail": detail}
        flat = [part for pair in going.raw.items() for part in pair]
        args = [going.asked.enrollid, report.id, body, digest, msgspec.json.encode(told), *flat]
        if not await self._ask(report.id, "finish", *args):
            return None
        return msgspec.structs.replace(report, sha256=digest)

    async def forget(self, before_ms: int) -> int:
        """Forget those that were over and ordered before this moment; how many."""
        name, count = self._client.keys.erasures, 0
        for one in await self._client.read("ZRANGEBYSCORE", name, "-inf", f"({before_ms}"):
            count += int(await self._ask(one, "forget", one))
        return count

    async def lift(self, before_ms: int) -> int:
        """Free the numbers of people whose erasure was over before this moment: a terminal may bring them
        again. How many."""
        cursor, count = "0", 0
        while True:
            cursor, flat = await self._client.read(
                "HSCAN", self._client.keys.erased, cursor, "COUNT", TOMBS_A_LOOK
            )
            for number, text in zip(flat[::2], flat[1::2], strict=True):
                if text.startswith("-") and int(text.rpartition(" ")[2]) < before_ms:
                    count += int(await self._ask("", "lift", number, text))
            if str(cursor) == "0":
                return count

    async def standing(self) -> Standing:
        """How many there are to be seen through."""
        found = [int(ordered) for _, ordered, _ in await self._look("e") if ordered]
        return Standing(len(found), min(found, default=0))

    async def _look(self, field: str) -> list[tuple[str, str, str]]:
        """What is asked, when, and a field, of all that are open."""
        ids, found = await self.open_ids(), list[tuple[str, str, str]]()
        for start in range(0, len(ids), A_LOOK):
            names = [self._client.keys.erasure(one) for one in ids[start : start + A_LOOK]]
            rows = await self._client.read_script("erasures", [*self._names(""), *names], ["look", field])
            found += [(told, ordered, value) for told, ordered, value in rows]
        return found

    async def _ask(self, erasure_id: str, *args: Any) -> Any:
        return await self._client.keep("erasures", self._names(erasure_id), list(args))

    def _names(self, erasure_id: str) -> list[str]:
        keys = self._client.keys
        return [keys.erasure(erasure_id), keys.erasures, keys.erased, keys.audit, keys.news]


def new_id() -> str:
    """An id that no other erasure has."""
    return LETTER + secrets.token_hex(10)


def place_of(text: str) -> Place:
    """A place as it stands in the store."""
    return _PLACE.decode(text)


def body_of(report: Report) -> bytes:
    """What the digest of a report is of."""
    fields = msgspec.structs.asdict(report)
    del fields["sha256"]
    return msgspec.json.encode(fields)


def report_of(going: Going, ended_ms: int | None) -> Report:
    """What there is to tell of an erasure: places of the server, then terminals."""
    asked = going.asked
    places = [_shown(field, place) for field, place in sorted(going.places().items())]
    return Report(
        id=asked.id,
        enrollid=asked.enrollid,
        actor=asked.actor,
        reason=asked.reason,
        ordered=_moment(going.ordered),
        state="open" if ended_ms is None else "done",
        ended=None if ended_ms is None else _moment(ended_ms),
        proven=all(one.state in (PlaceState.DONE, PlaceState.KEPT) for one in places),
        counts=dict(sorted(Counter(one.state.value for one in places).items())),
        places=places,
    )


def _shown(field: str, place: Place) -> ShownPlace:
    name = field.removeprefix(SERVER)
    sn = field.removeprefix(TERMINAL) if field.startswith(TERMINAL) else None
    at = _moment(place.at) if place.at else None
    return ShownPlace("terminal" if sn else name, sn, place.state, at, place.told, place.proof)


def _going(fields: dict[str, str]) -> Going | None:
    if "e" not in fields or "ended" in fields:
        return None
    raw = {name: text for name, text in fields.items() if name.startswith((SERVER, TERMINAL))}
    return Going(msgspec.json.decode(fields["e"], type=Asked), int(fields["ordered"]), raw)


def _summary(report: Report) -> Summary:
    return Summary(**{name: getattr(report, name) for name in Summary.__struct_fields__})


def _moment(ms: int) -> str:
    return rfc3339(datetime.fromtimestamp(ms / 1000, UTC))


_PLACE: Final = msgspec.json.Decoder(Place)
