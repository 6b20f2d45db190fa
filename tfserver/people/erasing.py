"""Seeing an erasure through: what this server keeps is cleared, each terminal is visited, and when all places
are told for, the report is closed (docs/people.md, "Erasing").

An erasure waits as long as a terminal stays away: weeks or months. Nothing is ordered meanwhile.
"""

from __future__ import annotations

import hashlib
from typing import Final

from tfserver.config import Archive
from tfserver.config.privacy import Privacy
from tfserver.model import Admission
from tfserver.people.clearing import Clearing, Means, is_open, terminals_of
from tfserver.store.people.erasures import (
    ENDS,
    LETTER,
    SERVER,
    TERMINAL,
    Asked,
    Erasures,
    Going,
    Place,
    PlaceState,
    Report,
    Standing,
    Summary,
    new_id,
)

CLEARED: Final = (
    "journal",
    "orders",
    "enrolments",
    "snapshots",
    "imports",
    "quarantine",
    "pictures",
    "names",
)
LOOK_SECONDS: Final = 60.0
"""How often is looked for what changed, beside what wakes it."""
SOON_SECONDS: Final = 10.0
GONE: Final = "the terminal was deleted here: whether it has the person still is not known"
AGAIN: Final = "it told of the person again"


class Erasing:
    """Sees erasures through; ``do`` is the errand."""

    def __init__(self, means: Means) -> None:
        self._means = means
        self._erasures = means.erasures
        self._clearing = Clearing(means)

    async def do(self, name: str) -> float | None:
        """Go on with one; in how many seconds again, or None when it is over."""
        going = await self._erasures.going(name)
        if going is None:
            return None
        is_clear = await self._clear(going)
        await self._look_at_terminals(going)
        going = await self._erasures.going(name)
        if going is None:
            return None
        states = [place.state for place in going.places().values()]
        if any(state not in ENDS for state in states):
            return LOOK_SECONDS if is_clear else SOON_SECONDS
        return None if await self._finished(going) else SOON_SECONDS

    async def _clear(self, going: Going) -> bool:
        """Clear what is not clear yet; whether all is."""
        is_clear = True
        for name in CLEARED:
            field = SERVER + name
            raw = going.raw.get(field, "")
            if not raw or going.places()[field].state in ENDS:
                continue
            found = await self._clearing.clear(name, going)
            state = PlaceState.DONE if found.is_clear else PlaceState.OPEN
            await self._tell(going, field, raw, Place(state, found.told, self._erasures.now_ms()))
            is_clear &= found.is_clear
        return is_clear

    async def _look_at_terminals(self, going: Going) -> None:
        """Which there are by now, which are no more, and which told of the person again."""
        known, planned = await self._erasures.terminals(), terminals_of(going)
        for sn in sorted(known - planned.keys()):
            terminal = await self._means.terminals.get(sn)
            # what was never let in was never given anybody, and anybody could make one up
            if terminal is not None and terminal.admission is Admission.APPROVED:
                await self._tell(going, TERMINAL + sn, "", Place(PlaceState.OPEN))
                await self._means.visits.add(sn)
        have = {sn for sn, person, _ in await self._means.holdings.where(going.asked.enrollid) if person}
        places, now = going.places(), self._erasures.now_ms()
        for sn, field in planned.items():
            place = places[field]
            if sn not in known and is_open(place.state):
                await self._tell(going, field, going.raw[field], Place(PlaceState.UNPROVEN, GONE, now))
            elif sn in known and sn in have and place.state in ENDS:
                again = Place(PlaceState.OPEN, AGAIN, now, "", place.tries + 1)
                await self._tell(going, field, going.raw[field], again)
                await self._means.visits.add(sn)
            elif place.state is PlaceState.OPEN:
                await self._means.visits.add(sn)

    async def _finished(self, going: Going) -> bool:
        """All places have ended. What came meanwhile, while a terminal was not reached, goes too."""
        for name in CLEARED:
            found = await self._clearing.clear(name, going)
            if not found.is_clear:
                return False
        return await self._erasures.finish(going) is not None

    async def _tell(self, going: Going, field: str, before: str, place: Place) -> None:
        await self._erasures.tell(going.asked.id, field, before, place)


class ErasureDesk:
    """Takes orders to forget people, and shows what came of them."""

    def __init__(self, erasures: Erasures, archive: Archive, privacy: Privacy) -> None:
        self._erasures = erasures
        self.places = CLEARED, kept_by(archive, privacy)

    async def order(self, enrollid: int, reason: str, actor: str, key: str = "") -> Report:
        """Forget a person. The same again while that goes on, or under the same ``key``, is the same one."""
        erasure_id = LETTER + hashlib.sha256(key.encode()).hexdigest()[:20] if key else new_id()
        asked = Asked(id=erasure_id, enrollid=enrollid, actor=actor, reason=reason)
        found, _ = await self._erasures.order(asked, *self.places)
        report = await self._erasures.get(found)
        assert report is not None, "what was just ordered is there"
        return report

    async def get(self, erasure_id: str) -> Report | None:
        """One, or None."""
        return await self._erasures.get(erasure_id) if erasure_id.startswith(LETTER) else None

    async def listing(self, limit: int, before: str) -> tuple[list[Summary], str | None]:
        """The newest first, and the cursor of those behind them."""
        return await self._erasures.listing(limit, before)

    async def standing(self) -> Standing:
        """How many are open, and since when."""
        return await self._erasures.standing()


def kept_by(archive: Archive, privacy: Privacy) -> dict[str, str]:
    """What an erasure leaves, and why, and until when."""
    days = sorted(archive.keep_days.items())
    punches = ", ".join(f"{kind.value}: {count} days" for kind, count in days) or "for ever"
    audit = f"{privacy.audit_days} days" if privacy.audit_days else "as many as there is room for"
    return {
        "punches": "the record of working time is kept by the number, as the law asks, with what terminals "
        "sent beside it (some send the name) and the external id it had then; "
        f"until when says archive.keep_days ({punches})",
        "audit": f"who did what is kept, to be answerable for; until when says privacy.audit_days ({audit})",
        "backups": "what is in older backups opens by the data keys in them; a store that is brought back "
        "from one is cleared again at the next start, by what the archive remembers of erasures; the store's "
        "append-only file has what was until it is written anew, within a day where the store allows that",
    }
