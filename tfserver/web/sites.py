"""At which sites terminals are, looked up once for each."""

from __future__ import annotations

from collections.abc import Iterable

from twisted.internet.defer import Deferred, FirstError, gatherResults
from twisted.python.failure import Failure

from tfserver.store.terminals import Terminals


class Sites:
    """The sites of terminals for as long as one answer takes. A terminal nobody knows has none."""

    def __init__(self, terminals: Terminals) -> None:
        self._terminals = terminals
        self._known: dict[str, str] = {"": ""}

    async def of(self, sn: str) -> str:
        """The site of one terminal."""
        await self.learn([sn])
        return self._known[sn]

    async def learn(self, sns: Iterable[str]) -> dict[str, str]:
        """The sites of these terminals, and of all before."""
        new = [sn for sn in dict.fromkeys(sns) if sn not in self._known]
        asked = [Deferred.fromCoroutine(self._terminals.decided(sn)) for sn in new]
        try:
            found = await gatherResults(asked, consumeErrors=True)
        except FirstError as failed:
            reason: Failure = failed.subFailure
            reason.raiseException()
        self._known.update((sn, decided.site) for sn, decided in zip(new, found, strict=True))
        return self._known
