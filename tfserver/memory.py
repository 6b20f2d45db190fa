"""How much memory this process has, and what it can give back. Linux tells; elsewhere nothing is known."""

from __future__ import annotations

import contextlib
import ctypes
import os
from typing import Final

_STATM: Final = "/proc/self/statm"
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")


def resident_bytes(path: str = _STATM) -> int:
    """The resident memory of this process; 0 where the system does not tell."""
    try:
        with open(path, "rb") as file:
            return int(file.read().split()[1]) * _PAGE
    except (OSError, ValueError, IndexError):
        return 0


def give_back() -> None:
    """Return free pages to the system: the C library keeps those of what was freed for the next one."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
