"""tfserver on ports that stay the same when it is started again."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
from pathlib import Path

import msgspec

from tests.real.client import RealClient
from tests.real.process import free_port, is_running
from tests.real.server import RealServer
from tests.real.store import RealStore, wait_until
from tfserver.store.principals import Role
from tfserver.store.tokens import Token, new_token


class PlacedServer(RealServer):
    """A server that terminals and people find again at the same place; ``remove`` ends all that is left."""

    def __init__(self, *options: str, folder: str | None = None, store: RealStore | None = None) -> None:
        self.port = free_port()
        place = f"tcp:{self.port}:interface=127.0.0.1"
        super().__init__("--terminals", place, *options, folder=folder, store=store)

    @property
    def url(self) -> str:
        """Where terminals connect, also after a restart."""
        return f"ws://127.0.0.1:{self.port}/pub/chat"

    def start(self) -> PlacedServer:
        """Start it and wait for the ready line; its token is put into a shared store without a process."""
        if self._store is not None and not self.token:
            self.token = accepted_token(self._store)
        super().start()
        return self

    @property
    def pid(self) -> int:
        """The process that runs, or ran last."""
        assert self._process is not None
        return self._process.pid

    def client(self) -> RealClient:
        """A new connection of a terminal."""
        return RealClient(self.port)

    def store_pid(self) -> int | None:
        """The embedded store's process, None when there is none."""
        path = Path(self.folder, "tfserver-data", "store.json")
        found = json.loads(path.read_text()).get("pid") if path.exists() else None
        return None if found is None else int(found)

    def embedded(self) -> RealStore:
        """The embedded store, to be asked; not to be started."""
        store = RealStore()
        shutil.rmtree(store.folder)
        record = json.loads(Path(self.folder, "tfserver-data", "store.json").read_text())
        store.folder, store.socket = self.folder, record["socket"]
        return store

    def stop_later(self) -> None:
        """SIGTERM, without waiting."""
        self.signal(signal.SIGTERM)

    def until_ready(self) -> None:
        """Wait until it would take punches, and tells of those it has.

        Writing and reading have connections of their own: those for reading may come back later.
        """
        wait_until(lambda: self.get("/readyz")[0] == 200, "the server is ready to take punches")
        wait_until(lambda: self.get("/punches?limit=1")[0] == 200, "the server tells of punches")

    def remove(self) -> None:
        """End it with its embedded store and forget its folder."""
        self.stop()
        pid = self.store_pid()
        if pid is not None:
            end(pid)
        shutil.rmtree(self.folder, ignore_errors=True)


def accepted_token(store: RealStore) -> str:
    """A new token of an administrator, entered into the store by its hash."""
    token = new_token()
    digest = hashlib.sha256(token.encode()).hexdigest()
    entry = msgspec.json.encode(Token(digest[:8], Role.ADMIN, 0)).decode()
    store.ask(f"HSET tf:tokens {digest} '{entry}'")
    return token


def end(pid: int) -> None:
    """kill -9 a process that may have ended long ago."""
    if is_running(pid):
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not is_running(pid), f"process {pid} ends")
