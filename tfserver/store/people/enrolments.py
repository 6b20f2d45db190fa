"""Enrolments at terminals: what was asked for, and how far each is (docs/people.md)."""

from __future__ import annotations

import enum
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from tfserver.model import canonical_sn, rfc3339
from tfserver.store.client import Client

SCANNED_A_CALL: Final = 500
DAY_MS: Final = 86_400_000


class EnrolmentState(enum.StrEnum):
    """How far an enrolment is; the last four are ends."""

    ASKED = "asked"
    """The terminal was not told yet, or has not answered."""
    WAITING = "waiting"
    """The terminal waits for the person."""
    SCANNING = "scanning"
    READ = "read"
    """The terminal has it, and it is being read back."""
    DONE = "done"
    """It is in the directory, as it was read back."""
    REFUSED = "refused"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Stage(enum.StrEnum):
    """What is to be done next."""

    LOOK = "look"
    """Ask what the terminal has in the slot."""
    ADD = "add"
    """Tell it to enrol."""
    WAIT = "wait"
    STOP = "stop"
    """It was told to stop; look what it has."""
    BACK = "back"
    """Read what it has."""


class Wish(enum.StrEnum):
    """Why it is to be stopped, if it is."""

    NONE = ""
    CANCEL = "cancel"
    LATE = "late"


class Enrolment(msgspec.Struct, frozen=True, kw_only=True):
    """An enrolment as people see it. ``scans`` is how often the person put the finger on the sensor, as far
    as the terminal tells; ``told`` says in words how it stands, or why it ended; ``until`` is its time."""

    id: str
    sn: str
    enrollid: int
    backupnum: int
    state: EnrolmentState
    scans: int
    told: str
    cancelling: bool
    actor: str
    created: str
    changed: str
    until: str
    ended: str | None


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What never changes."""

    sn: str
    enrollid: int
    backupnum: int
    name: str
    admin: int
    seconds: int
    actor: str


class Course(msgspec.Struct, frozen=True):
    """How far it got, for whoever goes on. ``before`` is the version of what the terminal had in the slot;
    ``asks`` counts the questions, ``failures`` those without use since the last good one."""

    stage: Stage = Stage.LOOK
    before: str = ""
    asks: int = 0
    failures: int = 0


class Going(msgspec.Struct, frozen=True):
    """An enrolment with all that is known of it."""

    id: str
    asked: Asked
    course: Course
    shown: Enrolment
    wish: Wish
    until_ms: int

    @property
    def sn(self) -> str:
        """The terminal."""
        return self.asked.sn

    @property
    def slot(self) -> tuple[int, int]:
        """Whose credential it is, and which."""
        return self.asked.enrollid, self.asked.backupnum


class Enrolments:
    """All enrolments that are remembered, for so many days."""

    def __init__(self, client: Client, days: int) -> None:
        self._client = client
        self._life = days * DAY_MS
        self._places = client.keys.errand_holders("enrolling")

    async def add(self, enrolment_id: str, asked: Asked, digest: str) -> tuple[str, str]:
        """Begin one: ``put``; ``again`` when it was begun before by the same id and digest, ``reused`` when
        that was for something else; ``busy`` and which other one the terminal is at."""
        now = self.now_ms()
        fields = {"e": msgspec.json.encode(asked), "course": msgspec.json.encode(Course())}
        told = {
            **fields,
            "state": EnrolmentState.ASKED.value,
            "scans": 0,
            "told": "",
            "created": now,
            "changed": now,
        }
        event = _event(enrolment_id, asked, EnrolmentState.ASKED, 0)
        sn, until = canonical_sn(asked.sn), now + 1000 * asked.seconds
        prefix = self._client.keys.enrolment("")
        args = ["add", event, prefix, enrolment_id, sn, now, until, self._life, digest, *_flat(told)]
        outcome, *other = await self._run(enrolment_id, args)
        return outcome, other[0] if other else ""

    async def tell(
        self, going: Going, state: EnrolmentState, told: str, course: Course, *, scans: int | None = None
    ) -> bool:
        """Let it go on; everybody hears of another state, or another scan. False when it has ended."""
        count = going.shown.scans if scans is None else scans
        return await self._tell(going, state, told, course, count, {}, "")

    async def end(self, going: Going, state: EnrolmentState, told: str) -> bool:
        """It is over, and another may begin there; the name is forgotten. Only the first end counts."""
        nameless = msgspec.json.encode(msgspec.structs.replace(going.asked, name=""))
        ended = {"ended": self.now_ms(), "e": nameless}
        return await self._tell(going, state, told, going.course, going.shown.scans, ended, "1")

    async def note(self, going: Going, course: Course) -> bool:
        """Remember how far it got. False when it has ended."""
        return bool(await self._run(going.id, ["note", "", "course", msgspec.json.encode(course)]))

    async def wish(self, enrolment_id: str, wish: Wish) -> bool:
        """Let it be stopped. False when it has ended, or is not there."""
        return bool(await self._run(enrolment_id, ["note", "", "wish", wish.value]))

    async def get(self, enrolment_id: str) -> Enrolment | None:
        """One as people see it, or None."""
        found = await self.going(enrolment_id)
        return None if found is None else found.shown

    async def digest(self, enrolment_id: str) -> str:
        """What it was begun with; empty when it is not there."""
        found: str | None = await self._client.read(
            "HGET", self._client.keys.enrolment(enrolment_id), "digest"
        )
        return found or ""

    async def going(self, enrolment_id: str) -> Going | None:
        """One with everything, or None."""
        flat = await self._client.read("HGETALL", self._client.keys.enrolment(enrolment_id))
        fields = dict(zip(flat[::2], flat[1::2], strict=True))
        return _going(enrolment_id, fields) if "e" in fields else None

    async def listing(self, sn: str, limit: int, before: str) -> tuple[list[Enrolment], str | None]:
        """Those at a terminal (empty: all), the newest first, and the cursor of those behind them."""
        found: list[Enrolment] = []
        cursor, beginning = before, f"{canonical_sn(sn)} " if sn else ""
        while True:
            bounds = (f"({cursor}" if cursor else "+inf", "-inf", "WITHSCORES", "LIMIT", 0, SCANNED_A_CALL)
            flat = await self._client.read("ZREVRANGEBYSCORE", self._client.keys.enrolments, *bounds)
            for member, place in zip(flat[::2], flat[1::2], strict=True):
                if member.startswith(beginning):
                    if len(found) == limit:
                        return found, cursor
                    one = await self.get(member.rpartition(" ")[2])
                    found += [] if one is None else [one]
                cursor = place
            if len(flat) < 2 * SCANNED_A_CALL:
                return found, None

    def now_ms(self) -> int:
        """The present moment."""
        seconds: float = self._client.reactor.seconds()
        return round(seconds * 1000)

    async def _tell(
        self,
        going: Going,
        state: EnrolmentState,
        told: str,
        course: Course,
        scans: int,
        more: dict[str, Any],
        ends: str,
    ) -> bool:
        fields = {"state": state.value, "scans": scans, "told": told, "changed": self.now_ms(), **more}
        event = _event(going.id, going.asked, state, scans)
        args = ["tell", event, going.id, canonical_sn(going.sn), self._life, ends, *_flat(fields)]
        args += ("course", msgspec.json.encode(course))
        return bool(await self._run(going.id, args))

    async def _run(self, enrolment_id: str, args: list[Any]) -> Any:
        keys = self._client.keys
        names = [keys.enrolment(enrolment_id), keys.enrolments, self._places, keys.events]
        return await self._client.keep("enrolments", names, args)


def _flat(fields: dict[str, Any]) -> list[Any]:
    return [part for pair in fields.items() for part in pair]


def _event(enrolment_id: str, asked: Asked, state: EnrolmentState, scans: int) -> bytes:
    """What those hear who watch: no name, and nothing of the body."""
    told = {"id": enrolment_id, "sn": canonical_sn(asked.sn), "enrollid": asked.enrollid}
    return msgspec.json.encode({**told, "backupnum": asked.backupnum, "state": state.value, "scans": scans})


def _going(enrolment_id: str, fields: dict[str, str]) -> Going:
    asked = msgspec.json.decode(fields["e"], type=Asked)
    wish, ended = Wish(fields.get("wish", "")), fields.get("ended")
    shown = Enrolment(
        id=enrolment_id,
        sn=asked.sn,
        enrollid=asked.enrollid,
        backupnum=asked.backupnum,
        state=EnrolmentState(fields["state"]),
        scans=int(fields["scans"]),
        told=fields["told"],
        cancelling=wish is Wish.CANCEL and ended is None,
        actor=asked.actor,
        created=_moment(fields["created"]),
        changed=_moment(fields["changed"]),
        until=_moment(fields["until"]),
        ended=None if ended is None else _moment(ended),
    )
    course = msgspec.json.decode(fields["course"], type=Course)
    return Going(enrolment_id, asked, course, shown, wish, int(fields["until"]))


def _moment(ms: str) -> str:
    return rfc3339(datetime.fromtimestamp(int(ms) / 1000, UTC))
