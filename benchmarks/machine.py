"""What Linux tells about processes and the machine: CPU, memory, cores, limits."""

from __future__ import annotations

import contextlib
import os
import platform
import resource
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_TICKS: Final = os.sysconf("SC_CLK_TCK")
SERVER_CORE: Final = 0
LOAD_CORE: Final = 1
SPARE_FILES: Final = 300
"""Descriptors a process needs besides its terminals' connections."""


def cpu_seconds(pid: int) -> float:
    """CPU time, user and system, all threads, of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def busy_seconds() -> float:
    """CPU time of the whole machine so far that was not idle and not waiting."""
    first = Path("/proc/stat").read_text().partition("\n")[0]
    user, nice, system, idle, waiting, *rest = map(int, first.split()[1:9])
    del idle, waiting
    return (user + nice + system + sum(rest)) / _TICKS


def resident_kib(pid: int) -> int:
    """Memory of a process that is in RAM, in KiB, without kernel buffers."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Rss:"):
            return int(line.split()[1])
    raise ValueError(f"no Rss of process {pid}")


def forget_peak(pid: int) -> None:
    """Let the peak of a process' memory count from now on (proc(5), clear_refs)."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")


def peak_kib(pid: int) -> int:
    """The most memory that a process had in RAM since its peak was forgotten, in KiB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1])
    raise ValueError(f"no peak of process {pid}")


@contextlib.contextmanager
def on_core(core: int) -> Iterator[None]:
    """What is started within runs on this core only, with all its threads, where there are enough cores."""
    if not can_pin():
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {sorted(before)[core]})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def share_core(pid: int, with_pid: int) -> None:
    """Let a process run where another does."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(pid, os.sched_getaffinity(with_pid))


def can_pin() -> bool:
    """Whether server and load can have a core of their own each."""
    return hasattr(os, "sched_setaffinity") and len(os.sched_getaffinity(0)) > max(SERVER_CORE, LOAD_CORE)


def raise_files(wanted: int) -> int:
    """Raise the limit of open files for this process and what it starts; what it is now."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    unlimited = hard == resource.RLIM_INFINITY
    for soft in (wanted, min(wanted, hard) if not unlimited else wanted):
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard if unlimited else max(soft, hard)))
            break
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def description() -> str:
    """Processor, cores, kernel and Python, for the head of a table."""
    model = platform.machine()
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                model = line.partition(":")[2].strip()
                break
    python = f"{platform.python_implementation()} {platform.python_version()}"
    kernel = ".".join(platform.release().split(".")[:2])
    return f"{model}, {os.cpu_count()} cores, {platform.system()} {kernel}, {python}"
