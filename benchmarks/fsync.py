"""How long this disk takes until a small write is safe: ``python benchmarks/fsync.py [FOLDER]``.

An acknowledged punch can't be faster than this, whatever the server.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from typing import Final, NamedTuple

WRITES: Final = 1000
MOST_SECONDS: Final = 10.0
BYTES: Final = 400
"""About one punch in the append-only file."""


class Latency(NamedTuple):
    """Median and 99th percentile of fdatasync, in milliseconds."""

    p50: float
    p99: float


def fdatasync_latency(folder: str, writes: int = WRITES) -> Latency:
    """Append and sync up to ``writes`` times to a file in ``folder``, for ten seconds at most."""
    took: list[float] = []
    end = time.perf_counter() + MOST_SECONDS
    with tempfile.TemporaryFile(dir=folder) as file:
        while len(took) < writes and time.perf_counter() < end:
            os.write(file.fileno(), b"x" * BYTES)
            began = time.perf_counter()
            getattr(os, "fdatasync", os.fsync)(file.fileno())
            took.append((time.perf_counter() - began) * 1000)
    took.sort()
    return Latency(took[len(took) // 2], took[len(took) * 99 // 100])


if __name__ == "__main__":
    found = fdatasync_latency(sys.argv[1] if len(sys.argv) > 1 else ".")
    sys.stdout.write(f"fdatasync: p50 {found.p50:.3f} ms, p99 {found.p99:.3f} ms\n")
