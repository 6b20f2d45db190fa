"""The child server: a Valkey or Redis of our own in the data folder, for those who gave no ``--redis``.

It lives in a session of its own, so that Ctrl-C and systemd don't end it before the drain is over, and it
outlives us: a server whose tfserver was killed is found by its lock and adopted. Source: design §3.3.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import signal
import subprocess
import tempfile
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import hiredis
import msgspec
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import UNIXClientEndpoint
from twisted.internet.error import ConnectError
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import LoopingCall, deferLater
from twisted.logger import Logger
from twisted.protocols.policies import TimeoutMixin

from tfserver.config import Durability
from tfserver.errors import StartError
from tfserver.store.binary import Record, choose_binary
from tfserver.store.datafolder import DataFolder, private_folder

# The same as in etc/redis.conf, which says why; a test compares them.
SETTINGS = {
    "appendonly": "yes",
    "no-appendfsync-on-rewrite": "no",
    "auto-aof-rewrite-percentage": "100",
    "auto-aof-rewrite-min-size": "64mb",
    "aof-load-truncated": "yes",
    "save": "",
    "maxmemory-policy": "noeviction",
    "set-max-intset-entries": "4096",
}
_FSYNC = {Durability.ALWAYS: "always", Durability.EVERYSEC: "everysec", Durability.NONE: "no"}
# A unix address holds 104 bytes on macOS, 108 on Linux; other characters would need quoting in the URL.
_PLAIN_SHORT_PATH = re.compile(r"[A-Za-z0-9_./+-]{1,100}")

_POLL = 0.05  # s, while it starts or stops
_LOOK = 0.1  # s, while it runs
_ASK = 2.0  # s until an answer is given up
_STOP = 10.0  # s from SIGTERM to SIGKILL
_LOG_LIMIT = 2**20  # bytes; a server that dies again and again must not fill the disk
_BACKOFF = (0.1, 1.0)  # s, first and longest
_SETTLED = 5.0  # s of life after which the backoff begins anew


class _Conversation(Protocol, TimeoutMixin):
    """Says inline commands, gathers the replies; ``done`` fires with them when the connection is over."""

    transport: Any

    def __init__(self, reactor: Any, commands: Sequence[str]) -> None:
        self._reactor = reactor
        self.done: Deferred[list[Any]] = Deferred()
        self._commands = commands
        self._reader = hiredis.Reader()
        self._replies: list[Any] = []

    def callLater(self, period: float, func: Callable[[], None]) -> Any:
        """Where the timeout is kept."""
        return self._reactor.callLater(period, func)

    def connectionMade(self) -> None:
        """Send all commands at once."""
        self.setTimeout(_ASK)
        self.transport.write("".join(f"{command}\r\n" for command in self._commands).encode())

    def dataReceived(self, data: bytes) -> None:
        """Replies; with the last one it is over."""
        self._reader.feed(data)
        while (reply := self._reader.gets()) is not False:
            self._replies.append(reply)
        if len(self._replies) == len(self._commands):
            self.transport.loseConnection()

    def connectionLost(self, reason: object = None) -> None:
        """Tell what came."""
        self.setTimeout(None)
        self.done.callback(self._replies)


async def ask(reactor: Any, socket: str, *commands: str) -> list[Any]:
    """Return one reply for each inline command (errors as values), an empty list when nobody answers."""
    talk = _Conversation(reactor, commands)
    factory = Factory.forProtocol(lambda: talk)
    factory.noisy = False  # asked again and again, it would fill the log
    try:
        await UNIXClientEndpoint(reactor, socket, timeout=_ASK).connect(factory)
    except ConnectError:
        return []
    replies = await talk.done
    return replies if len(replies) == len(commands) else []


def _fields(replies: list[Any]) -> dict[str, str]:
    text = replies[0].decode() if replies and isinstance(replies[0], bytes) else ""
    return dict(line.split(":", 1) for line in text.splitlines() if ":" in line)


class _Child:
    """A server process that we started."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.pid = process.pid
        self.gone: Callable[[], bool] = lambda: process.poll() is not None
        self.kill = process.send_signal


class _Orphan:
    """A server process of another tfserver; ``unlocked`` tells that nobody holds the child's lock."""

    def __init__(self, pid: int, unlocked: Callable[[], bool]) -> None:
        self.pid = pid
        self._unlocked = unlocked

    def gone(self) -> bool:
        """Whether the process is dead."""
        try:
            os.kill(self.pid, 0)
            # A dead process that nobody reaps still has its pid, but no longer its locks.
            return self._unlocked()
        except (ProcessLookupError, PermissionError):
            return True
        except OSError:
            return False

    def kill(self, number: int) -> None:
        """Send a signal, if it still lives."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)


class EmbeddedStore:
    """A durable server on a unix socket, kept alive from ``start`` to ``stop``.

    ``maxmemory`` is in bytes (0: no limit), ``extra`` are more command-line settings (``"--name", "value"``),
    ``deadline`` is how many seconds a start may go without progress. ``lost`` is called each time the server
    dies unexpectedly; it is started again by itself.
    """

    # subprocess and not reactor.spawnProcess: only it can start a session, it doesn't depend on the reactor's
    # handler of SIGCHLD, and an adopted server must be polled anyway. PR_SET_PDEATHSIG is not set: under
    # everysec, a kill -9 of tfserver would cost what it has accepted.

    log = Logger()

    def __init__(
        self,
        reactor: Any,
        folder: DataFolder,
        durability: Durability,
        maxmemory: int,
        extra: Sequence[str] = (),
        deadline: float = 60.0,
    ) -> None:
        self.lost: Callable[[], None] = lambda: None
        self._reactor = reactor
        self._folder = folder
        self._settings = SETTINGS | {"appendfsync": _FSYNC[durability], "maxmemory": str(maxmemory)}
        self._extra = extra
        self._deadline = deadline
        self._data = folder.path / "store"
        self._lock = folder.path / "store.lock"
        self._logfile = folder.path / "store.log"
        self._socket = ""
        self._child: _Child | _Orphan | None = None
        self._held: int | None = None
        self._born = 0.0
        self._delay = _BACKOFF[0]
        self._retry: Any = None
        self._stopping = False
        self._looking = LoopingCall(self._look)
        self._looking.clock = reactor

    async def start(self) -> str:
        """Return the server's URL (``unix:///…``) once it answers with all its data loaded.

        Raises StartError, with the end of the server's log, when it dies five times or makes no progress.
        """
        self._stopping = False
        try:
            if not await self._adopt():
                self._place_socket()
                await self._launch()
            await self._pause(0)
        except Exception:
            await self.stop()
            raise
        self._looking.start(_LOOK, now=False)
        return f"unix://{self._socket}"

    async def stop(self) -> None:
        """End the server: SIGTERM, by which it saves what is not on disk yet, and SIGKILL after 10 s."""
        self._stopping = True
        if self._looking.running:
            self._looking.stop()
        if self._retry is not None and self._retry.active():
            self._retry.cancel()
        child, self._child = self._child, None
        if child is not None:
            await self._end(child)
            # A full disk must not spoil the end; the next start tidies too.
            with contextlib.suppress(StartError):
                self._tidy()
        if self._held is not None:
            os.close(self._held)
            self._held = None

    async def _adopt(self) -> bool:
        """Take over the server that a killed tfserver left; false if there is none, the lock is then ours."""
        if self._hold():
            return False
        record = self._folder.record()
        if record is None:
            raise StartError(f"a process unknown to store.json holds {self._lock}: find and stop it")
        self._socket = record.socket
        info = await self._loaded(self._hold)
        if info is None:
            return False
        pid = int(info["process_id"])
        await self._check_ours(pid, record)
        self._child = _Orphan(pid, self._hold)
        self._born = self._reactor.seconds()
        self.log.info("Adopted the store, pid {pid}", pid=pid)
        return True

    async def _check_ours(self, pid: int, record: Record) -> None:
        orders = [f'CONFIG SET {name} "{value}"' for name, value in self._settings.items()]
        place = await ask(self._reactor, self._socket, "CONFIG GET dir")
        if record.pid not in (None, pid) or place != [[b"dir", os.fsencode(self._data.resolve())]]:
            raise StartError(
                f"the server at {self._socket} (pid {pid}) does not look like ours: stop it and try again"
            )
        replies = await ask(self._reactor, self._socket, *orders)
        if replies != [b"OK"] * len(orders):
            raise StartError(
                f"the server left running (pid {pid}) refuses our settings ({replies}): stop it and try again"
            )

    async def _launch(self) -> None:
        for pause in (0, 0.1, 0.2, 0.4, 0.8):
            await self._pause(pause)
            self._spawn()
            assert self._child is not None
            if await self._loaded(self._child.gone) is not None:
                return
        raise StartError(f"the store died 5 times at its start; {self._logfile} ends:\n{self._log_end()}")

    async def _loaded(self, gone: Callable[[], bool]) -> dict[str, str] | None:
        """Wait until the server has loaded its data; return what INFO says, None when it is gone."""
        began = moved = self._reactor.seconds()
        told, seen = began + 2, ""
        while not gone():
            info = _fields(await ask(self._reactor, self._socket, "INFO"))
            if info.get("loading") == "0":
                return info
            now, loaded = self._reactor.seconds(), info.get("loading_loaded_bytes", "")
            if loaded != seen:
                moved, seen = now, loaded
            if now - moved > self._deadline:
                raise StartError(
                    f"the store at {self._socket} was silent for {self._deadline:g} s: stop what holds "
                    f"{self._lock}, if anything; {self._logfile} ends:\n{self._log_end()}"
                )
            if now > told:
                told = now + 10
                percent = info.get("loading_loaded_perc", "0")
                self.log.info("The store is loading: {percent} %, {s:.0f} s", percent=percent, s=now - began)
            await self._pause(_POLL)
        return None

    async def _pause(self, seconds: float) -> None:
        await deferLater(self._reactor, seconds)
        if self._stopping:
            raise StartError("the store was stopped while it started")

    def _spawn(self) -> None:
        if not self._hold():
            raise StartError(f"a process of the store's earlier life has not ended yet (fuser {self._lock})")
        binary = choose_binary(self._folder.record())
        private_folder(self._data)
        private_folder(Path(self._socket).parent)
        # Before the process: if we are killed in between, the next start still knows where to look for it.
        record = Record(binary.flavour, binary.version, binary.path, self._socket)
        self._folder.keep(record)
        self._child = _Child(self._popen(binary.path))
        self._born = self._reactor.seconds()
        self._folder.keep(msgspec.structs.replace(record, pid=self._child.pid))
        name = f"{binary.flavour} {binary.version} ({binary.path})"
        self.log.info("Started the store: {name}, pid {pid}", name=name, pid=self._child.pid)

    def _popen(self, program: str) -> subprocess.Popen[bytes]:
        assert self._held is not None
        place = {"port": "0", "unixsocket": self._socket, "unixsocketperm": "600", "dir": str(self._data)}
        manner = {"daemonize": "no", "loglevel": "notice", "logfile": ""}
        settings = (place | manner | self._settings).items()
        arguments = [word for name, value in settings for word in (f"--{name}", value)]
        if self._logfile.exists() and self._logfile.stat().st_size > _LOG_LIMIT:
            self._logfile.replace(self._logfile.with_suffix(".log.1"))
        log = os.open(self._logfile, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600)
        try:
            return subprocess.Popen(
                [program, *arguments, *self._extra],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self._data,
                # Secrets that are meant for us only.
                env={name: value for name, value in os.environ.items() if not name.startswith("TFSERVER_")},
                start_new_session=True,
                pass_fds=(self._held,),
            )
        finally:
            os.close(log)

    def _look(self) -> None:
        if self._child is None or not self._child.gone():
            return
        pid, self._child = self._child.pid, None
        first, longest = _BACKOFF
        settled = self._reactor.seconds() - self._born > _SETTLED
        self._delay = first if settled else min(self._delay * 2, longest)
        self.log.error("The store (pid {pid}) died: {end}", pid=pid, end=self._log_end())
        self._retry = self._reactor.callLater(self._delay, self._respawn)
        try:
            self.lost()
        except Exception:
            self.log.failure("While telling that the store was lost")

    def _respawn(self) -> None:
        try:
            self._spawn()
        except (StartError, OSError) as error:
            self.log.error("The store can't be started again, trying on: {error}", error=error)
            # Two servers on one folder would ruin it.
            if self._child is None:
                self._retry = self._reactor.callLater(_BACKOFF[1], self._respawn)

    async def _end(self, child: _Child | _Orphan) -> None:
        for number in (signal.SIGTERM, signal.SIGKILL):
            child.kill(number)
            deadline = self._reactor.seconds() + _STOP
            while self._reactor.seconds() < deadline:
                if child.gone():
                    return
                await deferLater(self._reactor, _POLL)
            self.log.warn("The store (pid {pid}) did not end by signal {n}", pid=child.pid, n=number)

    def _hold(self) -> bool:
        """Take the lock that each child inherits; false while a process of an earlier life has it."""
        if self._held is None:
            fd = os.open(self._lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(fd)
                return False
            self._held = fd
        return True

    def _place_socket(self) -> None:
        self._tidy()
        path = self._folder.path / "run" / "store.sock"
        if _PLAIN_SHORT_PATH.fullmatch(str(path)) is None:
            path = Path(tempfile.mkdtemp(prefix="tfs-", dir="/tmp")) / "store.sock"
        self._socket = str(path)

    def _tidy(self) -> None:
        """Remove the socket, and its folder if that stood outside, of a server that is gone."""
        record = self._folder.record()
        if record is not None and record.socket:
            with contextlib.suppress(OSError):
                os.unlink(record.socket)
            with contextlib.suppress(OSError):
                os.rmdir(os.path.dirname(record.socket))
            self._folder.keep(msgspec.structs.replace(record, socket="", pid=None))

    def _log_end(self) -> str:
        with contextlib.suppress(OSError), open(self._logfile, errors="replace") as lines:
            return "".join(deque(lines, 12))
        return ""
