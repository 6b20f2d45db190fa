"""One round: a fresh store, a fresh server, its load, and what came of it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from benchmarks import machine
from benchmarks.contestants import Contestant, Running
from benchmarks.keeper import Keeper
from benchmarks.place import HERE, Place
from benchmarks.sampling import Profile
from benchmarks.targets import Load, Work

MOST_OTHERS: Final = 0.15
"""Share of a core that other programs may use; a round with more is disturbed and run again."""
TRIES: Final = 3
LOAD_SECONDS: Final = 300.0


class Round(msgspec.Struct, frozen=True):
    """What a round found. CPU is in shares of a core (1.0), ``request_us`` is server CPU for each request."""

    figure: float
    cpu: dict[str, float]
    request_us: float
    latency: dict[str, float]
    wrong: dict[str, int]
    servers: int = 1
    late_ms: float = 0.0
    """99th percentile of what the load itself was late (offered); it is part of the latency."""

    @property
    def is_disturbed(self) -> bool:
        """Whether other programs took too much of the machine."""
        return self.cpu["others"] > MOST_OTHERS

    @property
    def is_load_bound(self) -> bool:
        """Whether the load's core was full and the server's was not: the server can do more."""
        return self.cpu["load"] + self.cpu.get("store", 0.0) >= 0.95 and self.cpu["server"] < 0.9


class Scene(NamedTuple):
    """Where and how rounds happen: open files allowed, and the folder for profiles, if any are wanted."""

    place: Place
    files: int
    patience: float
    """Until when (monotonic) a disturbed round is run again."""
    profiles: Path | None = None


def measure(work: Work, load: Load, contestant: Contestant, scene: Scene) -> Round:
    """Measure until a round is not disturbed, three times at most."""
    for _ in range(TRIES):
        found = _once(work, load, contestant, scene)
        if not found.is_disturbed or time.monotonic() > scene.patience:
            break
    return found


def _once(work: Work, load: Load, contestant: Contestant, scene: Scene) -> Round:
    place = scene.place
    shares = shared_out(load.terminals, scene.files - machine.SPARE_FILES)
    with ExitStack() as stack:
        store = stack.enter_context(Keeper(place.scratch)) if contestant.stream else None
        servers = [stack.enter_context(Running(contestant, place, store)) for _ in shares]
        loads = []
        for number, (server, terminals) in enumerate(zip(servers, shares, strict=True)):
            command = _command(load, terminals, sum(shares[:number]), server, store)
            with machine.on_core(machine.LOAD_CORE):
                process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
            loads.append(process)
            stack.callback(_end, process)
            if scene.profiles and contestant.name.startswith("tfserver"):
                stack.enter_context(Profile(server.pid, load, scene.profiles, work.name))
        parts = [_told(process, server) for process, server in zip(loads, servers, strict=True)]
        if store is not None:
            lost = sum(part["acknowledged"] for part in parts) - store.kept(contestant.stream)
            parts[0]["wrong"]["acknowledged but not kept"] = max(0, lost)
    return combined(parts, work.figure, load.records)


def shared_out(terminals: int, most: int) -> list[int]:
    """Terminals for each server process: one process, unless the limit of open files is too low for it."""
    servers = -(-terminals // most)
    return [terminals // servers + (number < terminals % servers) for number in range(servers)]


def _command(load: Load, terminals: int, first: int, server: Running, store: Keeper | None) -> list[str]:
    given = {
        "mode": load.mode,
        "port": server.port,
        "server": server.pid,
        "store": store.pid if store else 0,
        "terminals": terminals,
        "first": first,
        "inflight": load.terminals,
        "records": load.records,
        "rate": load.rate,
        "period": load.period,
        "warm-up": load.warm_up,
        "seconds": load.seconds,
    }
    return [sys.executable, str(HERE / "load.py"), *(f"--{name}={value}" for name, value in given.items())]


def _told(process: subprocess.Popen[str], server: Running) -> dict[str, Any]:
    said, _ = process.communicate(timeout=LOAD_SECONDS)
    if process.returncode:
        raise RuntimeError(f"the load failed; {server.contestant.name} said: {server.said()[-1000:]}")
    found: dict[str, Any] = json.loads(said)
    return found


def _end(process: subprocess.Popen[str]) -> None:
    if process.poll() is None:
        process.kill()
        process.wait()


def combined(parts: list[dict[str, Any]], figure: str, records: int) -> Round:
    """What several loads found at the same time, as one round."""
    cpu = {who: sum(part["cpu"][who] for part in parts) for who in parts[0]["cpu"]}
    wrong: Counter[str] = Counter()
    for part in parts:
        wrong.update(part["wrong"])
    # Each load took the other loads and servers for other programs.
    own = sum(part["cpu"]["server"] + part["cpu"]["load"] for part in parts)
    cpu["others"] = max(0.0, cpu["others"] - own * (len(parts) - 1)) / len(parts)
    if "store" in cpu:
        cpu["store"] /= len(parts)
    latency = {name: max(part["latency"][name] for part in parts) for name in parts[0].get("latency") or ()}
    seconds = max(part["seconds"] for part in parts)
    done = sum(part.get("done", 0) for part in parts)
    terminals = sum(part["terminals"] for part in parts)
    figures = {
        "rate": done * records / seconds,
        "memory": sum(part["memory_kib"] * part["terminals"] for part in parts) / max(1, terminals),
        "idle": 100 * cpu["server"],
        "p99": latency.get("p99", float("inf")),
    }
    return Round(
        figure=figures[figure],
        cpu=cpu,
        request_us=1e6 * cpu["server"] * seconds / done if done else 0.0,
        latency=latency,
        wrong={what: count for what, count in wrong.items() if count},
        servers=len(parts),
        late_ms=max((part.get("late") or {}).get("p99", 0.0) for part in parts),
    )
