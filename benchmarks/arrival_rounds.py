"""One round of what becomes of punches: a fresh store and archive, one server, and what came of it."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

from benchmarks import driving, machine
from benchmarks.contestants import Contestant, Running
from benchmarks.keeper import Keeper
from benchmarks.order_rounds import found_as_round, token_of
from benchmarks.results import Round, Scene
from benchmarks.sampling import Profile
from benchmarks.targets import Load, Work
from tests.real.postgres import RealPostgres

MODES: Final = ("deliver", "arrive", "archive", "month")
SETTINGS: Final = """
archive:
  url: "{archive}"
webhooks:
  allow_private: true
  seconds: 60.0
"""
"""An answer is held back for as long as it takes to make a backlog."""
PATIENCE: Final = 1800.0
"""Ten million rows take their time."""
MORE_MEMORY: Final = {"shared_buffers": "128MB", "max_wal_size": "2GB"}
"""What PostgreSQL has by default."""


def once(work: Work, load: Load, contestant: Contestant, scene: Scene) -> Round:
    """Measure once."""
    place = scene.place
    with ExitStack() as stack:
        store = stack.enter_context(Keeper(place.scratch))
        making = stack.enter_context(token_of(store, "admin"))
        made = postgres if contestant.has_postgres else sqlite
        archive, beside = stack.enter_context(made(place.scratch))
        server = Running(contestant, place, store, SETTINGS.format(archive=archive))
        stack.enter_context(server)
        token, _ = making.communicate(timeout=driving.SECONDS)
        given = _given(load, server, store, token.strip())
        given |= {"archive": archive, "beside": beside, "python": str(place.python)}
        process = driving.start("arriving.py", given, contestant.options)
        stack.callback(driving.end, process)
        if scene.profiles is not None:
            stack.enter_context(Profile(server.pid, load, scene.profiles, work.name))
        return found_as_round(driving.told(process, server, PATIENCE), work.figure)


@contextmanager
def sqlite(scratch: Path) -> Iterator[tuple[str, str]]:
    """The URL of an archive in a file, and one for the peer."""
    folder = tempfile.mkdtemp(prefix="archive-", dir=scratch)
    try:
        yield f"sqlite:///{folder}/archive.sqlite", f"sqlite:///{folder}/beside.sqlite"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def postgres(scratch: Path) -> Iterator[tuple[str, str]]:
    """The URL of a PostgreSQL of its own on the load's core, for both.

    Its data are in the folder for temporary files: the user who runs it may not get to any other.
    """
    del scratch
    database = RealPostgres(**MORE_MEMORY)
    try:
        with machine.on_core(machine.LOAD_CORE):
            database.start()
        yield database.url, database.url
    finally:
        database.remove()


def _given(load: Load, server: Running, store: Keeper, token: str) -> dict[str, Any]:
    return {
        "mode": load.mode,
        "port": server.port,
        "people": server.people,
        "token": token,
        "server": server.pid,
        "store": store.pid,
        "socket": store.socket,
        "terminals": load.terminals,
        "amount": load.amount,
        "rate": load.rate,
        "warm-up": load.warm_up,
        "seconds": load.seconds,
    }
