"""What people and terminals of punches are called, for those who may see it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from tfserver.model import canonical_sn
from tfserver.store.briefs import Brief
from tfserver.web import auth
from tfserver.web.sources import Sources


class Names(NamedTuple):
    """Those that are known."""

    people: Mapping[int, str] = {}
    terminals: Mapping[str, Brief] = {}

    def person(self, enrollid: int) -> str:
        """Empty without one."""
        return self.people.get(enrollid, "")

    def terminal(self, sn: str) -> str:
        """Empty without one."""
        known = self.terminals.get(canonical_sn(sn))
        return known.name if known else ""

    def within(self, sites: tuple[str, ...]) -> Names:
        """What somebody may see who is bound to these sites (none: all): the directory has none."""
        if not sites:
            return self
        return Names({}, {sn: one for sn, one in self.terminals.items() if auth.reaches(sites, one.site)})


async def names_of(
    sources: Sources, sites: tuple[str, ...], numbers: Iterable[int], sns: Iterable[str] = ()
) -> Names:
    """The names of these people and terminals, as far as somebody who is bound to ``sites`` may see them.
    StoreError."""
    people = {} if sites else await _people(sources, sorted({number for number in numbers if number > 0}))
    briefs = await sources.terminals.these_briefs(sorted({canonical_sn(sn) for sn in sns}))
    return Names(people, {canonical_sn(each.sn): each for each in briefs}).within(sites)


async def _people(sources: Sources, numbers: list[int]) -> dict[int, str]:
    found = await sources.people.directory.many(numbers) if numbers else []
    return {known.person.enrollid: known.person.name for known in found}
