"""Whether who was let in may go on: for what takes long that is asked again and again."""

from __future__ import annotations

from typing import Final

from tfserver.store.principals import Principal
from tfserver.web.sources import Sources

STANDING_SECONDS: Final = 5.0
"""How long a stream or an export may outlive what allowed it."""


class Standing:
    """One look at those who go on: what the store said of tokens counts for all of them."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._accepted: set[str] | None = None

    async def holds(self, who: Principal, session: str) -> bool:
        """Whether somebody may do what it could when it came; ``session`` is the hash of the one it came by,
        empty without one. The session is used by that: whoever waits is there."""
        if session:
            opened = await self._sources.sessions.use(session)
            return opened is not None and _reach(opened.who) == _reach(who)
        if self._accepted is None:
            self._accepted = {token.id for token in await self._sources.tokens.all()}
        return who.id in self._accepted


def _reach(who: Principal) -> tuple[object, ...]:
    return who.id, who.role, who.sites, who.templates
