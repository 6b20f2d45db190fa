"""What the directory calls people, for those who may see it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tfserver.web.sources import Sources


async def names_of(sources: Sources, sites: Sequence[str], numbers: Iterable[int]) -> dict[int, str]:
    """The names of these people; none for who is bound to ``sites``: the directory has none. StoreError."""
    wanted = sorted({number for number in numbers if number > 0})
    if sites or not wanted:
        return {}
    found = await sources.people.directory.many(wanted)
    return {known.person.enrollid: known.person.name for known in found}
