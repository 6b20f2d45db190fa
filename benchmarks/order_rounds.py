"""One round of orders: a fresh store, one server or two, terminals that obey, and what came of it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Final

from benchmarks import driving, machine
from benchmarks.contestants import MASTER_KEY, Contestant, Running
from benchmarks.keeper import Keeper
from benchmarks.place import ROOT
from benchmarks.results import Round, Scene
from benchmarks.sampling import Profile
from benchmarks.targets import Load, Work

SERVERS: Final = {"doors": 2, "orders": 1, "pull": 1}
"""How many servers a mode needs: the first has the terminals, the last is asked."""
TOKEN: Final = ("tfserver.cli.main", "token", "create")
TOKEN_SECONDS: Final = 60.0


def once(work: Work, load: Load, contestant: Contestant, scene: Scene) -> Round:
    """Measure once."""
    place = scene.place
    with ExitStack() as stack:
        store = stack.enter_context(Keeper(place.scratch))
        making = stack.enter_context(token_of(store, "operator"))
        servers = [Running(contestant, place, store) for _ in range(SERVERS[load.mode])]
        for server in servers:
            stack.enter_context(server)
        token, _ = making.communicate(timeout=TOKEN_SECONDS)
        given = _given(load, servers, store, token.strip())
        process = driving.start("ordering.py", given, contestant.options)
        stack.callback(driving.end, process)
        for server in servers if scene.profiles else ():
            assert scene.profiles is not None
            stack.enter_context(Profile(server.pid, load, scene.profiles, work.name))
        return found_as_round(driving.told(process, servers[0]), work.figure)


@contextmanager
def token_of(store: Keeper, role: str) -> Iterator[subprocess.Popen[str]]:
    """Make a token in the store, as people do."""
    command = [sys.executable, "-m", *TOKEN, "--role", role, "--redis", f"unix://{store.socket}"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TFSERVER_MASTER_KEY": MASTER_KEY}
    with machine.on_core(machine.LOAD_CORE):
        process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        driving.end(process)


def _given(load: Load, servers: list[Running], store: Keeper, token: str) -> dict[str, Any]:
    return {
        "mode": load.mode,
        "port": servers[0].port,
        "people": servers[-1].people,
        "token": token,
        "server": servers[0].pid,
        "other": servers[-1].pid if len(servers) > 1 else 0,
        "store": store.pid,
        "socket": store.socket,
        "terminals": load.terminals,
        "amount": load.amount,
        "rate": load.rate,
        "warm-up": load.warm_up,
        "seconds": load.seconds,
    }


def found_as_round(found: dict[str, Any], figure: str) -> Round:
    """What the load found."""
    seconds, cpu, done = found["seconds"], found["cpu"], found["done"]
    return Round(
        figure=found["more"][figure],
        cpu=cpu,
        request_us=1e6 * cpu["server"] * seconds / done if done else 0.0,
        latency=found.get("latency", {}),
        wrong=found["wrong"],
        servers=1,
        late_ms=found.get("late", {}).get("p99", 0.0),
        more=found["more"],
    )
