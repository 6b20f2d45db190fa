"""Bringing the rows of an import into the directory: in small batches, and gone on with after a kill.

Before anything becomes of the rows of a batch it is noted what; so rows that were brought in just before a
kill are counted as what they were, when they are found to be there already.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from twisted.internet.defer import Deferred, FirstError, gatherResults
from twisted.internet.task import deferLater

from tfserver.model import rfc3339
from tfserver.people.importing import Change, Wrong, enrollid_of, head_problems, merged, news, read_row
from tfserver.people.tabular import SLICE, Row, Table
from tfserver.person import Known, Made
from tfserver.pressure import Pressure
from tfserver.store.people.directory import (
    BeingErased,
    Directory,
    ExternalIdTaken,
    NoSuchGroup,
    NoSuchPerson,
    Outdated,
    Undone,
)
from tfserver.store.people.groups import Groups
from tfserver.store.people.imports import OPEN, Import, Imports, ImportState, RowError
from tfserver.store.vault import Vault

BATCH: Final = 50
SIDE_BY_SIDE: Final = 8
"""Rows that are on their way to the store together."""
TURN_SECONDS: Final = 0.004
"""After so much work others have their turn."""
EASE_SECONDS: Final = 0.25
LOOK_SECONDS: Final = 5.0
_TRIES: Final = 5


class Means(NamedTuple):
    """What the rows of imports are brought in with."""

    reactor: Any
    imports: Imports
    directory: Directory
    groups: Groups
    vault: Vault
    pressure: Pressure
    touch: Callable[[], Awaitable[None]]
    """Told when people have come in."""


class Entering:
    """Does imports, each as an errand under its id."""

    def __init__(self, means: Means) -> None:
        self._means = means

    async def do(self, import_id: str) -> float | None:
        """Bring all rows in that are not; in how many seconds to look again, None when it is over."""
        imports = self._means.imports
        found = await imports.get(import_id)
        if found is None or found.state not in OPEN:
            return None
        if found.state is ImportState.UPLOADING:
            return LOOK_SECONDS
        if await imports.start(import_id):
            # a dry run that is begun anew has reached nothing
            found = await imports.get(import_id)
            if found is not None:
                await _Run(self._means, found).all()
                if not found.dry_run:
                    await self._means.touch()
        return None


class _Run:
    """One import while its rows are brought in."""

    def __init__(self, means: Means, found: Import) -> None:
        self._means = means
        self._import = found
        self._reached = found.reached
        self._seen: set[int] = set()
        self._judged: dict[int, str] = {}
        self._foreseen = _Foreseen(means)
        self._turn = means.reactor.seconds()

    async def all(self) -> None:
        """Every row; what is wrong stops it, if that is wanted."""
        self._judged = await self._means.imports.judged(self._import.id)
        async for rows in self._batches():
            if not await self._batch(rows):
                return
        await self._means.imports.end(self._import.id, ImportState.DONE)

    async def _batches(self) -> AsyncIterator[list[Row]]:
        table, number, waiting = Table(self._import.form, head_problems), 1, list[Row]()
        text = await self._means.imports.piece(self._import.id, number)
        while text is not None:
            for start in range(0, len(text), SLICE):
                waiting += self._left(table.feed(text[start : start + SLICE]))
                await self._breathe()
            while len(waiting) >= BATCH:
                yield waiting[:BATCH]
                waiting = waiting[BATCH:]
            number += 1
            text = await self._means.imports.piece(self._import.id, number)
        waiting += self._left(table.end())
        for start in range(0, len(waiting), BATCH):
            yield waiting[start : start + BATCH]

    def _left(self, rows: list[Row]) -> list[Row]:
        """Without those that were done before; whom they are about has to be known all the same."""
        done = [row for row in rows if row.number <= self._reached]
        self._seen.update(enrollid for row in done if (enrollid := enrollid_of(row)) is not None)
        return rows[len(done) :]

    async def _batch(self, rows: list[Row]) -> bool:
        """Bring some in; False when it is over by that, or another's."""
        await self._ease()
        changes, wrong = await self._read(rows)
        known = {
            one.person.enrollid: one
            for one in await self._means.directory.many([change.enrollid for change in changes])
        }
        outcomes = {one.row: self._outcome(one, known.get(one.enrollid)) for one in changes} | self._judged
        self._judged = {}
        imports, after = self._means.imports, self._reached
        if self._import.dry_run:
            wrong += await self._foreseen.wrong(changes, known)
        elif not await imports.judge(self._import.id, after, outcomes):
            return False
        else:
            wrong += await self._enter(changes, known, self._bound(wrong))
        bound = self._bound(wrong)
        self._reached = rows[-1].number if bound is None else bound
        bad = {one.row for one in wrong if one.row <= self._reached}
        good = [one.row for one in changes if one.row <= self._reached and one.row not in bad]
        counts = Counter(outcomes[row] for row in good)
        counts["wrong"] = len(bad)
        errors = [RowError(*one) for one in sorted(wrong) if one.row <= self._reached]
        if not await imports.advance(self._import.id, after, self._reached, counts, errors):
            return False
        if bound is not None:
            await imports.end(self._import.id, ImportState.STOPPED, f"row {bound} is wrong")
        return bound is None

    def _bound(self, wrong: Sequence[Wrong]) -> int | None:
        """The row at which it stops, None when it goes on."""
        stops = self._import.on_error == "stop"
        return min((one.row for one in wrong), default=None) if stops else None

    async def _read(self, rows: list[Row]) -> tuple[list[Change], list[Wrong]]:
        changes, wrong = list[Change](), list[Wrong]()
        for row in rows:
            await self._breathe()
            found = read_row(row)
            enrollid = enrollid_of(row)
            if enrollid in self._seen:
                wrong.append(Wrong(row.number, "enrollid", "stands in an earlier row, too"))
            elif isinstance(found, Change):
                changes.append(found)
            else:
                wrong += found
            if enrollid is not None:
                self._seen.add(enrollid)
        return changes, wrong

    def _outcome(self, change: Change, known: Known | None) -> str:
        if known is None:
            return "made"
        person, _ = merged(known.person, change)
        is_same = person == known.person and not news(known, change, self._means.vault.version_of)
        return "same" if is_same else "changed"

    async def _enter(self, changes: list[Change], known: dict[int, Known], bound: int | None) -> list[Wrong]:
        """Those before a bound; what is wrong with them."""
        changes = [one for one in changes if bound is None or one.row < bound]
        width = 1 if self._import.on_error == "stop" else SIDE_BY_SIDE
        wrong: list[Wrong] = []
        for start in range(0, len(changes), width):
            part = changes[start : start + width]
            doing = [Deferred.fromCoroutine(self._enter_one(one, known.get(one.enrollid))) for one in part]
            try:
                found = await gatherResults(doing, consumeErrors=True)
            except FirstError as first:
                # it is the first's own error that says whether to come again
                first.subFailure.raiseException()
            for change, one in zip(part, found, strict=True):
                if one is not None and one.field == "external_id":
                    # an earlier row may have given it up just now
                    one = await self._enter_one(change, known.get(change.enrollid))
                wrong += [] if one is None else [one]
            if wrong and self._import.on_error == "stop":
                return wrong
            await self._breathe()
        return wrong

    async def _enter_one(self, change: Change, known: Known | None) -> Wrong | None:
        """Bring one row in; what is wrong with it, or None."""
        try:
            for _ in range(_TRIES):
                before = known.person if known else None
                person, problems = merged(before, change)
                if problems:
                    return Wrong(change.row, *problems[0])
                try:
                    if person != before:
                        await self._means.directory.put(person, before.version if before else 0)
                    await self._give(change, known)
                    return None
                except (Outdated, NoSuchPerson):
                    known = await self._means.directory.get(change.enrollid)
        except Undone as why:
            return _wrong(change, why)
        return Wrong(change.row, "", "this person changes faster than it can be brought in")

    async def _give(self, change: Change, known: Known | None) -> None:
        at = rfc3339(datetime.fromtimestamp(self._means.reactor.seconds(), UTC))
        for one in news(known, change, self._means.vault.version_of):
            made = Made(model=one.model, fpalgo=one.fpalgo, at=at)
            await self._means.directory.put_credential(change.enrollid, one.backupnum, one.record, made)

    async def _ease(self) -> None:
        """Punches go first."""
        while self._means.pressure.is_high:
            await deferLater(self._means.reactor, EASE_SECONDS)

    async def _breathe(self) -> None:
        now = self._means.reactor.seconds()
        if now - self._turn >= TURN_SECONDS:
            await deferLater(self._means.reactor, 0)
            self._turn = self._means.reactor.seconds()


class _Foreseen:
    """What the directory would say to rows, without asking it to change anything."""

    def __init__(self, means: Means) -> None:
        self._means = means
        self._claimed: dict[str, int | None] = {}
        """External ids that earlier rows take or give up: whose each would be."""
        self._groups: set[str] | None = None

    async def wrong(self, changes: Sequence[Change], known: dict[int, Known]) -> list[Wrong]:
        """What is wrong with these rows, behind all that came before."""
        if self._groups is None:
            self._groups = {group.name for group in await self._means.groups.listing()}
        erased = await self._means.imports.being_erased([one.enrollid for one in changes])
        found: list[Wrong] = []
        for change in changes:
            one = known.get(change.enrollid)
            _, problems = merged(one.person if one else None, change)
            if problems:
                found.append(Wrong(change.row, *problems[0]))
            elif change.enrollid in erased:
                found.append(_wrong(change, BeingErased(change.enrollid)))
            elif missing := set(change.fields.get("groups", ())) - self._groups:
                found.append(_wrong(change, NoSuchGroup(min(missing))))
            elif taken := await self._taken(change, one):
                found.append(_wrong(change, ExternalIdTaken(taken)))
        return found

    async def _taken(self, change: Change, known: Known | None) -> int | None:
        """Whose external id a row wants, if it is another's."""
        before = known.person.external_id if known else None
        wanted = change.fields.get("external_id", before)
        if wanted == before:
            return None
        if wanted is not None:
            if wanted not in self._claimed:
                self._claimed[wanted] = await self._means.directory.by_external_id(wanted)
            holder = self._claimed[wanted]
            if holder not in (None, change.enrollid):
                return holder
            self._claimed[wanted] = change.enrollid
        if before is not None:
            self._claimed[before] = None
        return None


def _wrong(change: Change, why: Undone) -> Wrong:
    """In words that have nothing of the row: what stands in a wrong column may be a secret, and a report
    outlives people who are erased."""
    if isinstance(why, ExternalIdTaken):
        return Wrong(change.row, "external_id", f"is that of person {why.enrollid}")
    if isinstance(why, NoSuchGroup):
        given = [*change.fields.get("groups", ())]
        which = f"number {given.index(why.name) + 1} is none" if why.name in given else "one of them is none"
        return Wrong(change.row, "groups", f"expected names of groups that exist; {which}")
    return Wrong(change.row, "enrollid", str(why))
