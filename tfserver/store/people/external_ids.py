"""Whose external id is whose, in the memory of each process: punches get theirs when they come in.

Whoever changes one tells every process, and counts the change; who finds by the number that it missed one
reads all of them again. Without anybody who has one, there is nothing to look in.
"""

from __future__ import annotations

from typing import Any, Final

from twisted.internet import task
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from tfserver.errors import StoreError
from tfserver.store.client import Client

MOST: Final = 500_000
"""External ids that are remembered: tens of megabytes."""
MOST_CAME: Final = 10_000
"""Changes that may come while all are read."""
A_PAGE: Final = 1000
LOOK_SECONDS: Final = 60.0
AGAIN_SECONDS: Final = 1.0
"""How long a change that was counted may be on its way, and how soon all are read again."""
_WORD: Final = "external "
_COUNT: Final = "external_ids"
"""The field of ``meta`` in which changes are counted."""


class ExternalIds:
    """Those of all people. ``by_person`` stays the same mapping for as long as the process lives."""

    _log = Logger()

    def __init__(self, reactor: Any, client: Client) -> None:
        self.by_person: dict[int, str] = {}
        self._reactor = reactor
        self._client = client
        self._number = -1
        """The last change that is known."""
        self._came: list[tuple[int, int, str]] | None = None
        """Changes that come while all are read; None at other times."""
        self._again: Any = None
        self._settling: Any = None
        self._is_over = False
        self._looking = task.LoopingCall(self._look)
        self._looking.clock = reactor

    async def start(self) -> None:
        """Read all; from then on they are kept current."""
        self._client.on_renewal(self._soon)
        await self._read_all()
        self._looking.start(LOOK_SECONDS, now=False)

    async def stop(self) -> None:
        """Follow no changes any more."""
        self._is_over = True
        if self._looking.running:
            self._looking.stop()
        for call in (self._again, self._settling):
            if call is not None and call.active():
                call.cancel()

    def heard(self, message: str) -> bool:
        """A wake-up from this or another process; whether it told of an external id."""
        if not message.startswith(_WORD):
            return False
        _, number, enrollid, text = message.split(" ", 3)
        change = int(number), int(enrollid), text
        if self._came is None:
            self._follow(change)
        elif len(self._came) < MOST_CAME:
            # one that found no room is missed by the number of the next, or by the next look
            self._came.append(change)
        return True

    def _follow(self, change: tuple[int, int, str]) -> None:
        number, enrollid, text = change
        if number > self._number + 1:
            self._soon()
        elif number == self._number + 1:
            self._number = number
            if not text:
                self.by_person.pop(enrollid, None)
            elif len(self.by_person) < MOST or enrollid in self.by_person:
                self.by_person[enrollid] = text

    async def _read_all(self) -> None:
        came = self._came = []
        try:
            number = await self._counted()
            found = await self._found()
        finally:
            self._came = None
        # in one turn: no punch sees a part of them
        self.by_person.clear()
        self.by_person.update(found)
        self._number = number
        for change in came:
            self._follow(change)

    async def _found(self) -> dict[int, str]:
        key, cursor, found = self._client.keys.external_ids, "0", dict[int, str]()
        while True:
            cursor, flat = await self._client.read("HSCAN", key, cursor, "COUNT", A_PAGE)
            found.update((int(enrollid), text) for text, enrollid in zip(flat[::2], flat[1::2], strict=True))
            if len(found) > MOST:
                told = "more than {most} people have external ids: punches of the others come without"
                self._log.warn(told, most=MOST)
                return dict(list(found.items())[:MOST])
            if str(cursor) == "0":
                return found

    async def _counted(self) -> int:
        return int(await self._client.read("HGET", self._client.keys.meta, _COUNT) or 0)

    def _soon(self) -> None:
        """Read all again, a little later: more may be missed."""
        if not self._is_over and not (self._again is not None and self._again.active()):
            self._again = self._reactor.callLater(AGAIN_SECONDS, self._begin)

    def _begin(self) -> None:
        if self._came is not None:
            self._soon()
            return
        reading = Deferred.fromCoroutine(self._read_all())
        reading.addErrback(self._failed)

    def _failed(self, failure: Any) -> None:
        if not failure.check(StoreError):
            self._log.failure("our own mistake while reading external ids", failure)
        # looked at again when the store is back, at the latest by the next look
        self._number = -1

    async def _look(self) -> None:
        """Whether a change was missed: one that is on its way is given a moment."""
        before = self._number
        try:
            counted = await self._counted()
        except StoreError:
            return
        if counted < before:
            # another life of the store
            self._soon()
        elif counted > self._number and not self._is_over:
            self._settling = self._reactor.callLater(AGAIN_SECONDS, self._settle, counted)

    def _settle(self, counted: int) -> None:
        if counted > self._number:
            self._soon()
