"""Enrolling somebody at a terminal from here: one call, and how far it is (protocol §5.1, docs/people.md)."""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from tfserver.commander import BadOrder, KeyReused, NoRoom, NotNow, UnknownTerminal
from tfserver.config import Settings
from tfserver.model import Admission, canonical_sn
from tfserver.person import Person
from tfserver.store.errands import Errands
from tfserver.store.people.directory import Directory
from tfserver.store.people.enrolments import Asked, Enrolment, Enrolments, EnrolmentState, Wish
from tfserver.store.people.holdings import Holdings
from tfserver.store.people.names import folded, plain_name
from tfserver.store.terminals import Terminals
from tfserver.wire.ordering import decode

ENDS: Final = frozenset(
    {EnrolmentState.DONE, EnrolmentState.REFUSED, EnrolmentState.FAILED, EnrolmentState.CANCELLED}
)
RESERVED_SECONDS: Final = 180.0
"""A place is kept for so much longer than an enrolment may take: until it is known what came of it."""
BEGIN_SECONDS: Final = 10.0
"""Should the one who begins it die just then, it begins after so long all the same."""
_AUTOMATIC: Final = 10


@dataclass(frozen=True, slots=True)
class NewEnrolment:
    """What somebody asks for; None: as the directory has it."""

    sn: str
    enrollid: int
    backupnum: int
    name: str | None
    admin: int | None
    seconds: int


class Enrolling:
    """Begins enrolments, shows them, and lets them be stopped."""

    def __init__(
        self,
        settings: Settings,
        enrolments: Enrolments,
        errands: Errands,
        directory: Directory,
        holdings: Holdings,
        terminals: Terminals,
    ) -> None:
        self._settings = settings
        self._enrolments = enrolments
        self._errands = errands
        self._directory = directory
        self._holdings = holdings
        self._terminals = terminals

    async def begin(self, wanted: NewEnrolment, actor: str, key: str) -> Enrolment:
        """Begin one; under a ``key`` that was used before it is that one again. Raises ``commander.Refused``;
        then nothing was made, and no place is kept."""
        enrolment_id = hashlib.sha256(key.encode()).hexdigest()[:32] if key else uuid.uuid4().hex
        digest = _digest_of(wanted)
        known = await self._enrolments.digest(enrolment_id) if key else ""
        if known == digest:
            return await self._again(enrolment_id)
        if known:
            raise KeyReused("this Idempotency-Key came with another enrolment before")
        asked = await self._checked(wanted, actor)
        await self._reserve(asked, enrolment_id)
        # first of all, so that none stays begun and undone
        await self._errands.add(enrolment_id, seconds=BEGIN_SECONDS)
        outcome, other = await self._enrolments.add(enrolment_id, asked, digest)
        if outcome == "busy":
            await self._holdings.release(asked.sn, [(asked.enrollid, asked.backupnum)], enrolment_id)
            raise NotNow(f"terminal {asked.sn} is in the middle of an enrolment: {other}")
        if outcome == "reused":
            raise KeyReused("this Idempotency-Key came with another enrolment before")
        return await self._again(enrolment_id)

    async def get(self, enrolment_id: str) -> Enrolment | None:
        """One, or None."""
        return await self._enrolments.get(enrolment_id)

    async def listing(self, sn: str, limit: int, before: str) -> tuple[list[Enrolment], str | None]:
        """Those at a terminal (empty: all), the newest first, and the cursor of those behind them."""
        return await self._enrolments.listing(sn, limit, before)

    async def cancel(self, enrolment_id: str) -> Enrolment | None:
        """Let one be stopped; None when there is none. Raises NotNow when it has ended."""
        wished = await self._enrolments.wish(enrolment_id, Wish.CANCEL)
        found = await self._enrolments.get(enrolment_id)
        if found is None:
            return None
        if not wished:
            raise NotNow(f"the enrolment is {found.state.value}: only one that goes on can be stopped")
        await self._errands.add(enrolment_id)
        return found

    async def _again(self, enrolment_id: str) -> Enrolment:
        found = await self._enrolments.get(enrolment_id)
        if found is None:
            raise NotNow("the enrolment was begun, ended and forgotten already")
        if found.state not in ENDS:
            await self._errands.add(enrolment_id)
        return found

    async def _checked(self, wanted: NewEnrolment, actor: str) -> Asked:
        """What is asked for, with all that was left out."""
        sn = canonical_sn(wanted.sn)
        terminal = await self._terminals.get(sn)
        if terminal is None:
            raise UnknownTerminal(f"no terminal '{wanted.sn}' has ever registered here")
        if terminal.admission is not Admission.APPROVED:
            raise NotNow(f"terminal {sn} is {terminal.admission}: only approved ones enrol")
        profile = self._settings.profile(terminal.model_profile or "")
        if "adduser" in profile.silent:
            raise NotNow(f"terminal {sn} is of a kind that never answers adduser, by its model_profile")
        known = await self._directory.get(wanted.enrollid)
        person = Person(enrollid=wanted.enrollid) if known is None else known.person
        name = plain_name(wanted.name or "") or person.name
        if person.name and folded(name) != folded(person.name):
            raise _bad("name", "the directory has this person under another name: leave it out")
        admin = person.admin if wanted.admin is None else wanted.admin
        asked = Asked(
            sn=sn,
            enrollid=wanted.enrollid,
            backupnum=wanted.backupnum,
            name=name,
            admin=admin,
            seconds=wanted.seconds,
            actor=actor,
        )
        command, problems = decode("adduser", fields_of(asked), profile)
        if command is None:
            raise BadOrder("; ".join(f"{field}: {message}" for field, message in problems), problems)
        return asked

    async def _reserve(self, asked: Asked, enrolment_id: str) -> None:
        place = [(asked.enrollid, asked.backupnum)]
        why = await self._holdings.reserve(asked.sn, place, asked.seconds + RESERVED_SECONDS, enrolment_id)
        if why is not None:
            raise NoRoom(why)


def fields_of(asked: Asked) -> dict[str, Any]:
    """What the terminal is told; without a name it shows none."""
    found = {"enrollid": asked.enrollid, "backupnum": asked.backupnum, "admin": asked.admin}
    return {**found, **({"name": asked.name} if asked.name else {}), "flag": _AUTOMATIC}


def _digest_of(wanted: NewEnrolment) -> str:
    told = [
        canonical_sn(wanted.sn),
        wanted.enrollid,
        wanted.backupnum,
        wanted.name,
        wanted.admin,
        wanted.seconds,
    ]
    return hashlib.sha256(msgspec.json.encode(told)).hexdigest()


def _bad(field: str, message: str) -> BadOrder:
    return BadOrder(f"{field}: {message}", [(field, message)])
