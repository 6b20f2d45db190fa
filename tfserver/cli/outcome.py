"""How a sub-command ends when it does not succeed."""

from __future__ import annotations

from typing import Final

REFUSED: Final = 1
UNREACHABLE: Final = 3


class Failed(Exception):
    """The text goes to stderr; ``status`` is the exit status."""

    def __init__(self, message: str, status: int = REFUSED) -> None:
        super().__init__(message)
        self.status = status
