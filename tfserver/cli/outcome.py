"""How a sub-command ends: its exit status, and how it says that it did not succeed."""

from __future__ import annotations

from typing import Final

DONE: Final = 0
REFUSED: Final = 1
USAGE: Final = 2
UNREACHABLE: Final = 3
NOT_ENDED: Final = 4
INTERRUPTED: Final = 130
NOBODY_READS: Final = 141


class Failed(Exception):
    """The text goes to stderr; ``status`` is the exit status, ``code`` what HTTP said (0: nothing)."""

    def __init__(self, message: str, status: int = REFUSED, code: int = 0) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
