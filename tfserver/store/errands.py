"""Work that takes long: kept until it is done, by whichever process takes it (docs/people.md).

A process that dies over an errand is followed by another when its lease is over; so whoever does one must be
able to do it again. All times are the store's.
"""

from __future__ import annotations

from typing import Any, Final

from tfserver.store.client import Client

LEASE_MS: Final = 30_000
"""How long an errand is another's at least, after the process that does it died."""
WORD: Final = "errand "
"""What every process is told when there is something to do, with the kind behind it."""


class Errands:
    """The errands of one kind, by their names."""

    def __init__(self, client: Client, kind: str) -> None:
        self._client = client
        self.kind = kind
        self._names = [client.keys.errands(kind), client.keys.errand_holders(kind)]

    async def add(self, *names: str, seconds: float = 0.0) -> None:
        """Let these be done, so many seconds from now; an earlier time stays. One that is being done is done
        once more."""
        asked = ["add", self._client.keys.everybody, WORD + self.kind, round(1000 * seconds), *names]
        if names:
            await self._client.keep("errands", self._names, asked)

    async def claim(self, token: str, most: int) -> tuple[list[str], float | None]:
        """Some that are due, as this token's for ``LEASE_MS``; and in how many seconds the next is due, None
        when there is none."""
        found: list[Any] = await self._run("claim", token, most, LEASE_MS)
        return found[1:], None if found[0] == -1 else found[0] / 1000

    async def renew(self, token: str, names: list[str]) -> list[str]:
        """Keep these for another ``LEASE_MS``; those that are another's by now."""
        lost: list[str] = await self._run("renew", token, LEASE_MS, *names)
        return lost

    async def end(self, token: str, name: str, seconds: float | None) -> bool:
        """It is over, or to be done again so many seconds from now; False when it was another's."""
        delay = "" if seconds is None else round(1000 * seconds)
        return bool(await self._run("end", token, name, delay))

    async def remove(self, name: str) -> bool:
        """Nobody wants it any more; whether it was there. Who does it just now learns that by ``renew``."""
        return bool(await self._run("remove", name))

    async def await_terminal(self, sn: str, name: str) -> bool:
        """Let an errand be due as soon as this terminal registers, if that is before its time; False when it
        is online, or nobody knows it."""
        keys = self._client.keys
        return bool(await self._run("await", keys.terminal(sn), keys.alive(""), self.kind, name))

    async def _run(self, *args: Any) -> Any:
        return await self._client.run("errands", self._names, list(args))
