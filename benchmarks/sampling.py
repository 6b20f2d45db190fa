"""Where the server spends its time while it is measured: py-spy (``pip install py-spy``) looks at it."""

from __future__ import annotations

import subprocess
from pathlib import Path
from types import TracebackType
from typing import Final

from benchmarks import machine
from benchmarks.targets import Load

RATE: Final = 500
"""Looks a second. More would be seen in the figures."""
GRACE_SECONDS: Final = 10.0
START_SECONDS: Final = 1.0
"""Until a load is there."""
ROWS_FILLED: Final = 50_000
"""A second, about, into the archive before a month is looked for."""


def _measured_time(load: Load) -> tuple[float, float]:
    """When the measured time begins, about, and how long it is at least; orders come after punches."""
    if load.mode == "storm":
        return 0.0, load.seconds
    if load.mode == "doors":
        return START_SECONDS + 1.5 * load.warm_up + 0.5 * load.seconds, load.seconds
    if load.mode == "orders":
        return 2 * START_SECONDS + 2 * load.warm_up + 1.5 * load.seconds, load.terminals * load.amount / 6000
    if load.mode == "pull":
        return 2 * START_SECONDS + load.warm_up, load.amount / 40_000
    if load.mode == "deliver":
        return 2 * START_SECONDS + load.warm_up + load.seconds, load.amount / 10_000
    if load.mode == "arrive":
        return START_SECONDS + 2 * load.warm_up, load.seconds
    if load.mode == "archive":
        return START_SECONDS + load.warm_up, load.amount / 20_000
    if load.mode == "month":
        return START_SECONDS + load.warm_up + load.amount / ROWS_FILLED, load.seconds
    return load.warm_up, load.seconds


class Profile:
    """Samples one process during the measured time of a load, for the ``with`` block.

    Leaves ``folder/WORK-PID.txt``: stacks with counts, as flamegraph.pl and speedscope read them.
    """

    def __init__(self, pid: int, load: Load, folder: Path, work: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        begin, seconds = _measured_time(load)
        given = {"pid": pid, "rate": RATE, "duration": max(1, round(seconds)), "format": "raw"}
        options = [f"--{name}={value}" for name, value in given.items()]
        output = f"--output={folder / f'{work}-{pid}.txt'}"
        wait = ["sh", "-c", 'sleep "$0"; exec "$@"', str(begin)]
        with machine.on_core(machine.LOAD_CORE):
            self._process = subprocess.Popen(
                [*wait, "py-spy", "record", *options, output], stdout=subprocess.DEVNULL
            )

    def __enter__(self) -> Profile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, wrong: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._process.wait(GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
