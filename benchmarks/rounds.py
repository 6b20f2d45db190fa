"""One round: a fresh store, a fresh server, its load, and what came of it."""

from __future__ import annotations

import time
from collections import Counter
from contextlib import ExitStack
from typing import Any, Final

from benchmarks import arrival_rounds, driving, machine, order_rounds
from benchmarks.contestants import Contestant, Running
from benchmarks.keeper import Keeper
from benchmarks.results import Round, Scene
from benchmarks.sampling import Profile
from benchmarks.targets import Load, Work

TRIES: Final = 3


def measure(work: Work, load: Load, contestant: Contestant, scene: Scene) -> Round:
    """Measure until a round is not disturbed, three times at most."""
    once = order_rounds.once if load.mode in order_rounds.SERVERS else _once
    if load.mode in arrival_rounds.MODES:
        once = arrival_rounds.once
    for _ in range(TRIES):
        found = once(work, load, contestant, scene)
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
            given = _given(load, terminals, sum(shares[:number]), server, store)
            process = driving.start("load.py", given)
            loads.append(process)
            stack.callback(driving.end, process)
            if scene.profiles and contestant.name.startswith("tfserver"):
                stack.enter_context(Profile(server.pid, load, scene.profiles, work.name))
        parts = [driving.told(process, server) for process, server in zip(loads, servers, strict=True)]
        if store is not None:
            lost = sum(part["acknowledged"] for part in parts) - store.kept(contestant.stream)
            parts[0]["wrong"]["acknowledged but not kept"] = max(0, lost)
    return combined(parts, work.figure, load.records)


def shared_out(terminals: int, most: int) -> list[int]:
    """Terminals for each server process: one process, unless the limit of open files is too low for it."""
    servers = -(-terminals // most)
    return [terminals // servers + (number < terminals % servers) for number in range(servers)]


def _given(load: Load, terminals: int, first: int, server: Running, store: Keeper | None) -> dict[str, Any]:
    return {
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
