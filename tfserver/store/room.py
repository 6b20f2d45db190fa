"""How many bytes may be on their way to the store at once, beside punches: those go the same way."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tfserver.errors import StoreUnavailable


class Room:
    """A bounded number of bytes. One that alone is larger than that still has its turn, alone."""

    def __init__(self, most: int) -> None:
        self.taken = 0
        self._most = most

    @property
    def fullness(self) -> float:
        """How much of it is taken, at most about 1."""
        return self.taken / self._most

    def take(self, size: int) -> None:
        """Take so much; StoreUnavailable when it is not there."""
        if self.taken and self.taken + size > self._most:
            raise StoreUnavailable("too much is waiting to be kept")
        self.taken += size

    def leave(self, size: int) -> None:
        """Give it back."""
        self.taken -= size

    @contextmanager
    def held(self, size: int) -> Iterator[None]:
        """Have so much as long as this lasts."""
        self.take(size)
        try:
            yield
        finally:
            self.leave(size)
