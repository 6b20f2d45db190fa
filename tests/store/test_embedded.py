"""The embedded store: started, kept alive, adopted and stopped, with a real server."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import msgspec
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.trial.unittest import TestCase

import tfserver
from tfserver.errors import StartError
from tfserver.store.datafolder import DataFolder
from tfserver.store.embedded import SETTINGS, EmbeddedStore, ask

ROOT = Path(tfserver.__file__).parent.parent
MB = 2**20

# A tfserver in small: prints the URL, then lives until it is killed. Python's own handling of SIGINT stays.
PARENT = """
import sys
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from tfserver.store.datafolder import DataFolder
from tfserver.store.embedded import EmbeddedStore

store = EmbeddedStore(reactor, DataFolder(sys.argv[1]), "always", 2**26)

async def main():
    print(await store.start(), flush=True)

reactor.callWhenRunning(lambda: Deferred.fromCoroutine(main()))
reactor.run()
"""


async def until(what: Callable[[], Coroutine[Any, Any, bool]], seconds: float = 10.0) -> None:
    """Wait until ``what`` is true; fail after ``seconds``."""
    deadline = reactor.seconds() + seconds  # type: ignore[attr-defined]
    while not await what():
        if reactor.seconds() > deadline:  # type: ignore[attr-defined]
            raise AssertionError("it did not come true in time")
        await deferLater(reactor, 0.02)  # type: ignore[arg-type]


def mode(path: str | Path) -> int:
    """Return the permission bits of a file, folder or socket."""
    return stat.S_IMODE(os.stat(path).st_mode)


def alive(pid: int) -> bool:
    """Tell whether a process runs: neither gone nor waiting to be reaped."""
    done = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return bool(done.stdout.strip()) and not done.stdout.startswith("Z")


def end(pid: int) -> None:
    """Kill a server that outlives its test."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


class StoreCase(TestCase):
    """A short folder, stores on it, and nothing left behind."""

    def setUp(self) -> None:
        self.base = Path(tempfile.mkdtemp(prefix="tfe-", dir="/tmp"))
        self.addCleanup(shutil.rmtree, self.base, ignore_errors=True)
        self.path = self.base / "data"

    def store(self, durability: Any = "always", maxmemory: int = 64 * MB, **more: Any) -> EmbeddedStore:
        folder = DataFolder(self.path)
        self.addCleanup(folder.release)
        store = EmbeddedStore(reactor, folder, durability, maxmemory, **more)
        self.addCleanup(lambda: Deferred.fromCoroutine(store.stop()))
        self.folder = folder
        return store

    async def stop(self, store: EmbeddedStore) -> None:
        await store.stop()
        self.folder.release()

    async def ask(self, url: str, *commands: str) -> list[Any]:
        return await ask(reactor, url.removeprefix("unix://"), *commands)

    async def pid(self, url: str) -> int:
        [info] = await self.ask(url, "INFO server")
        [line] = [line for line in info.decode().split("\r\n") if line.startswith("process_id:")]
        return int(line.partition(":")[2])

    async def parent(self) -> tuple[subprocess.Popen[bytes], str]:
        """Start a small tfserver in a session of its own; return it and the URL of its store."""
        output = open(self.base / "url", "wb")  # noqa: SIM115
        parent = subprocess.Popen(
            [sys.executable, "-c", PARENT, str(self.path)], stdout=output, cwd=ROOT, start_new_session=True
        )
        output.close()
        self.addCleanup(parent.wait)
        self.addCleanup(parent.kill)

        async def told() -> bool:
            return (self.base / "url").read_bytes().endswith(b"\n")

        await until(told, 20)
        return parent, (self.base / "url").read_text().strip()

    async def orphan(self) -> tuple[str, int]:
        """Return URL and pid of a server whose tfserver was killed."""
        parent, url = await self.parent()
        pid = await self.pid(url)
        self.addCleanup(end, pid)
        parent.kill()
        parent.wait()
        return url, pid

    def rewrite_record(self, **changes: Any) -> None:
        """Change what ``store.json`` says."""
        record = self.folder.record()
        assert record is not None
        self.folder.keep(msgspec.structs.replace(record, **changes))

    def fails(self, start: Coroutine[Any, Any, Any]) -> Deferred[StartError]:
        return self.assertFailure(Deferred.fromCoroutine(start), StartError)


class LifeTests(StoreCase):
    """Start, stop, modes, settings."""

    async def test_data_survives(self) -> None:
        """What was written before a stop is there after the next start; the process ends with the stop."""
        store = self.store()
        url = await store.start()
        pid = await self.pid(url)
        self.assertEqual(await self.ask(url, "SET a 1"), [b"OK"])
        await self.stop(store)
        self.assertFalse(alive(pid))
        self.assertEqual(await self.ask(url, "PING"), [])
        store = self.store()
        self.assertEqual(await self.ask(await store.start(), "GET a"), [b"1"])

    async def test_modes(self) -> None:
        """Nobody else can enter the folders or read the files, whatever the umask is."""
        self.addCleanup(os.umask, os.umask(0))
        url = await self.store().start()
        self.assertEqual(url, f"unix://{self.path}/run/store.sock")
        for folder in ("", "run", "store"):
            self.assertEqual(mode(self.path / folder), 0o700, folder)
        for file in ("lock", "store.lock", "store.json", "store.log", "run/store.sock"):
            self.assertEqual(mode(self.path / file), 0o600, file)

    async def test_settings(self) -> None:
        """The server runs with the durable settings, our limit, no port, and the extra ones."""
        for durability, fsync in (("always", b"always"), ("everysec", b"everysec"), ("none", b"no")):
            store = self.store(durability, 77 * MB, extra=["--enable-debug-command", "local"])
            url = await store.start()
            wanted = dict(self.configured(), appendfsync=fsync, maxmemory=str(77 * MB).encode())
            wanted |= {"port": b"0", "enable-debug-command": b"local"}
            for name, value in wanted.items():
                [[_, found]] = await self.ask(url, f"CONFIG GET {name}")
                self.assertEqual(found, value, name)
            await self.stop(store)

    def configured(self) -> dict[str, bytes]:
        """Return the settings as CONFIG GET says them."""
        return {name: value.encode() for name, value in SETTINGS.items()} | {
            "auto-aof-rewrite-min-size": str(64 * MB).encode()
        }

    def test_same_as_etc(self) -> None:
        """A shared server set up by etc/redis.conf is as durable as the embedded one."""
        lines = (ROOT / "etc" / "redis.conf").read_text().splitlines()
        words = [line.split(maxsplit=1) for line in lines if line and not line.startswith("#")]
        shared = {name: value.strip('"') for name, value in words}
        for only_there in ("bind", "protected-mode", "maxmemory"):
            del shared[only_there]
        self.assertEqual(shared, {**SETTINGS, "appendfsync": "always"})

    async def test_long_path(self) -> None:
        """In a folder too deep for a socket it stands in a private one under /tmp, removed at the stop."""
        self.path = self.base / ("x" * 110) / "data"
        store = self.store()
        url = await store.start()
        socket = Path(url.removeprefix("unix://"))
        self.assertTrue(url.startswith("unix:///tmp/tfs-"), url)
        self.assertEqual(mode(socket.parent), 0o700)
        self.assertEqual(await self.ask(url, "PING"), [b"PONG"])
        await self.stop(store)
        self.assertFalse(socket.parent.exists())

    async def test_odd_path(self) -> None:
        """A folder whose name would need quoting in a URL works too."""
        self.path = self.base / "a b#ü"
        self.assertEqual(await self.ask(await self.store().start(), "PING"), [b"PONG"])

    async def test_secrets_stay_here(self) -> None:
        """The child does not get the master key or a token by its environment."""
        if not Path("/proc/self/environ").exists():
            self.skipTest("no /proc here")
        os.environ["TFSERVER_MASTER_KEY"] = "secret"
        self.addCleanup(os.environ.pop, "TFSERVER_MASTER_KEY")
        pid = await self.pid(await self.store().start())
        self.assertNotIn(b"TFSERVER", Path(f"/proc/{pid}/environ").read_bytes())

    async def test_stop_during_start(self) -> None:
        """A stop while it starts ends the start with an error, and leaves no process."""
        store = self.store()
        starting = self.fails(store.start())
        await store.stop()
        await starting
        self.assertTrue(store._hold(), "a process still has the lock")
        await store.stop()

    async def test_stopped_server_is_killed(self) -> None:
        """A server that does not heed SIGTERM is killed."""
        self.patch(sys.modules["tfserver.store.embedded"], "_STOP", 0.3)
        store = self.store()
        pid = await self.pid(await store.start())
        os.kill(pid, signal.SIGSTOP)
        await self.stop(store)
        self.assertFalse(alive(pid))


class DeathTests(StoreCase):
    """The server dies, or its parent."""

    async def test_killed_child(self) -> None:
        """After a kill -9 of the server the loss is told, and it answers again with its data and URL."""
        store = self.store()
        lost: list[int] = []
        url = await store.start()
        for number in range(3):
            store.lost = lambda number=number: lost.append(number)  # type: ignore[misc]
            old = await self.pid(url)
            await self.ask(url, f"SET a {number}")
            os.kill(old, signal.SIGKILL)

            async def back(number: int = number) -> bool:
                return await self.ask(url, "GET a") == [b"%d" % number] and number in lost

            await until(back, 3)
            self.assertNotEqual(await self.pid(url), old)
        self.assertEqual(lost, [0, 1, 2])

    async def test_failing_callback(self) -> None:
        """An error of who is told of the loss does not keep the server from coming back."""
        store = self.store()
        url = await store.start()
        old = await self.pid(url)
        store.lost = lambda: [][1]
        os.kill(old, signal.SIGKILL)

        async def back() -> bool:
            return await self.ask(url, "PING") == [b"PONG"] and await self.pid(url) != old

        await until(back, 3)
        self.assertEqual(len(self.flushLoggedErrors(IndexError)), 1)

    async def test_orphan_is_adopted(self) -> None:
        """A server whose tfserver was killed is taken over, set as we want it, and watched."""
        url, pid = await self.orphan()
        await self.ask(url, "SET a 1")
        store = self.store("everysec", 99 * MB)
        self.assertEqual(await store.start(), url)
        self.assertEqual(await self.pid(url), pid)
        replies = await self.ask(url, "GET a", "CONFIG GET appendfsync", "CONFIG GET maxmemory")
        self.assertEqual(replies, [b"1", [b"appendfsync", b"everysec"], [b"maxmemory", b"%d" % (99 * MB)]])
        lost: list[bool] = []
        store.lost = lambda: lost.append(True)
        os.kill(pid, signal.SIGKILL)

        async def back() -> bool:
            return await self.ask(url, "GET a") == [b"1"] and bool(lost)

        await until(back, 3)
        self.assertNotEqual(await self.pid(url), pid)

    async def test_unrecorded_pid(self) -> None:
        """An orphan whose tfserver was killed before it wrote down the pid is adopted as well."""
        _, pid = await self.orphan()
        store = self.store()
        self.rewrite_record(pid=None)
        self.assertEqual(await self.pid(await store.start()), pid)

    async def test_adopted_is_stopped(self) -> None:
        """A stop ends an adopted server too, and removes the folder of its socket."""
        self.path = self.base / ("x" * 110)
        url, pid = await self.orphan()
        store = self.store()
        self.assertEqual(await store.start(), url)
        await self.stop(store)
        self.assertFalse(alive(pid))
        self.assertFalse(Path(url.removeprefix("unix://")).parent.exists())

    async def test_foreign_orphan(self) -> None:
        """A server that is not the recorded one is left alone and refused with words."""
        url, pid = await self.orphan()
        store = self.store()
        self.rewrite_record(pid=1)
        self.assertIn(f"pid {pid}", str(await self.fails(store.start())))
        self.assertEqual(await self.pid(url), pid)

    async def test_unwilling_orphan(self) -> None:
        """A server that does not take our settings is refused: it would be less durable than we say."""
        _, pid = await self.orphan()
        store = self.store()
        self.patch(store, "_settings", {"appendfsync": "sometimes"})
        self.assertIn("refuses our settings", str(await self.fails(store.start())))
        self.assertTrue(alive(pid))

    async def test_silent_orphan(self) -> None:
        """While an old server lives but can't be reached no second one is started on its data."""
        url, pid = await self.orphan()
        os.unlink(url.removeprefix("unix://"))
        error = str(await self.fails(self.store(deadline=0.3).start()))
        self.assertIn("store.lock", error)
        self.assertTrue(alive(pid))

    async def test_interrupt(self) -> None:
        """Ctrl-C reaches our process group but not the server."""
        parent, url = await self.parent()
        pid = await self.pid(url)
        self.addCleanup(end, pid)
        self.assertNotEqual(os.getsid(pid), os.getsid(parent.pid))
        os.killpg(parent.pid, signal.SIGINT)

        async def ended() -> bool:
            return parent.poll() is not None

        await until(ended)
        self.assertEqual(await self.pid(url), pid)


class RefusalTests(StoreCase):
    """Starts that must not succeed."""

    async def written(self) -> EmbeddedStore:
        """Return a store, not started, whose folder has been used."""
        store = self.store()
        await self.ask(await store.start(), "SET a 1")
        await self.stop(store)
        return self.store()

    async def test_downgrade(self) -> None:
        """Data of a newer version is not opened; the words name it and what to install."""
        store = await self.written()
        self.rewrite_record(version="99.1.0")
        error = str(await self.fails(store.start()))
        self.assertIn("99.1.0", error)
        self.assertIn("install", error)

    async def test_other_flavour(self) -> None:
        """Data of a Redis is not opened by a Valkey, nor the other way round."""
        store = await self.written()
        record = self.folder.record()
        assert record is not None
        other = "redis" if record.flavour == "valkey" else "valkey"
        self.rewrite_record(flavour=other, version="99.0.0")
        self.assertIn(f"written by {other}", str(await self.fails(store.start())))

    async def test_update_is_recorded(self) -> None:
        """A newer version opens the store and is what the folder asks for from then on."""
        store = await self.written()
        self.rewrite_record(version="6.2.0", path="/gone")
        await store.start()
        record = self.folder.record()
        assert record is not None
        self.assertNotEqual(record.version, "6.2.0")
        self.assertNotEqual(record.path, "/gone")

    async def test_log_is_told(self) -> None:
        """A server that dies at once five times ends the start with the last lines of its log."""
        error = str(await self.fails(self.store(extra=["--no-such-setting", "1"]).start()))
        self.assertIn("no-such-setting", error)
        self.assertIn("5 times", error)

    async def test_damaged_data(self) -> None:
        """A damaged record file ends the start with what the server says of it, and nothing is removed."""
        store = await self.written()
        [manifest] = (self.path / "store" / "appendonlydir").glob("*.manifest")
        manifest.write_text("nonsense\n")
        error = str(await self.fails(store.start()))
        self.assertIn("manifest", error)
        self.assertEqual(manifest.read_text(), "nonsense\n")
