"""Addresses from which too many wrong tokens and passwords came have to wait, longer each time.

Tokens are too long to be guessed; this keeps the guessing away from the store. Who was right from such an
address a while ago goes on: one bad script does not lock out the office that it stands in.

In the same way names of accounts wait for which too many wrong passwords came, from wherever; who signed in
from an address a while ago goes on from there, so nobody far away can keep somebody out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from twisted.logger import Logger

MINUTE: Final = 60.0
LONGEST: Final = 3600.0
LONGEST_OF_A_NAME: Final = 300.0
"""Anybody can make a name wait."""
_OF_ADDRESSES: Final = "too many wrong tokens from {key}: it is not listened to for {seconds:.0f} s"
_OF_NAMES: Final = "too many wrong passwords for one name: it is not listened to for {seconds:.0f} s"
"""Not which name: people write passwords into the wrong field."""
RIGHT_SECONDS: Final = 86_400.0
"""How long it counts that a token was right from an address."""
_MOST_LOCKS: Final = 10
MOST_ADDRESSES: Final = 10_000
MOST_RIGHT: Final = 20_000


@dataclass(slots=True)
class _Record:
    """Of one address, or name: wrong ones in the minute that began at ``since``, and until when it waits."""

    since: float
    wrong: int = 0
    locks: int = 0
    until: float = 0.0

    def is_over(self, now: float) -> bool:
        """Whether it is as if nothing had been wrong."""
        return now - max(self.since, self.until) >= LONGEST


class Lockout:
    """Both tables are bounded; when they are full the oldest entries go."""

    _log = Logger()

    def __init__(
        self, clock: Any, wrong_a_minute: int, longest: float = LONGEST, told: str = _OF_ADDRESSES
    ) -> None:
        self._clock = clock
        self._bound = wrong_a_minute
        self._longest = longest
        self._told = told
        self._records: dict[str, _Record] = {}
        self._right: dict[tuple[str, str], float] = {}

    def wait(self, address: str, digest: str) -> float:
        """For how many seconds this address is not listened to; 0 for one that is, or for a token that was
        right from there lately. An address without a name has no bound."""
        record = self._records.get(address)
        if record is None:
            return 0.0
        wait = record.until - float(self._clock.seconds())
        return wait if wait > 0 and not self.was_right(address, digest) else 0.0

    def was_right(self, address: str, digest: str) -> bool:
        """Whether this token was right from this address in the last day."""
        at = self._right.get((address, digest))
        return at is not None and self._clock.seconds() - at < RIGHT_SECONDS

    def right(self, address: str, digest: str) -> None:
        """A token from there was right."""
        if not address:
            return
        # those that were right last stand last
        self._right.pop((address, digest), None)
        if len(self._right) >= MOST_RIGHT:
            del self._right[next(iter(self._right))]
        self._right[address, digest] = self._clock.seconds()

    def wrong(self, address: str) -> None:
        """A token from there was wrong."""
        if not address:
            return
        now = self._clock.seconds()
        record = self._record(address, now)
        if now - record.since >= MINUTE:
            record.since, record.wrong = now, 0
        record.wrong += 1
        if record.wrong > self._bound and record.until <= now:
            seconds = min(self._longest, MINUTE * 2.0**record.locks)
            # no number that grows without end
            record.until, record.locks, record.wrong = now + seconds, min(record.locks + 1, _MOST_LOCKS), 0
            self._log.warn(self._told, key=address, seconds=seconds)

    def _record(self, address: str, now: float) -> _Record:
        record = self._records.get(address)
        if record is None or record.is_over(now):
            self._records.pop(address, None)
            if len(self._records) >= MOST_ADDRESSES:
                del self._records[next(iter(self._records))]
            record = self._records[address] = _Record(now)
        return record


def of_names(clock: Any, wrong_a_minute: int) -> Lockout:
    """The same for names of accounts: in the place of addresses stand names, in that of hashes addresses."""
    return Lockout(clock, wrong_a_minute, LONGEST_OF_A_NAME, _OF_NAMES)
