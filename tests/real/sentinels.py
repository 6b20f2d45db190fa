"""A primary, its replicas, and sentinels that watch them: real ones, on wish with TLS and users."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
import tempfile
from pathlib import Path
from typing import Final

from tests.delivery.certificates import Authority
from tests.real.process import free_port
from tests.real.store import CONFIG, SECONDS, RealStore, wait_until
from tfserver.store.binary import choose_binary

DOWN_MS: Final = 700
REPLICAS: Final = 2
SENTINELS: Final = 3
OURS: Final = ("gate", "sesame")
"""User and password of tfserver where there are users."""
ASKS: Final = ("asks", "friend")
"""The same at the sentinels."""
FAST: Final = (
    *("--bind", "127.0.0.1", "--repl-diskless-sync-delay", "0", "--repl-ping-replica-period", "1"),
    *("--repl-timeout", "10", "--dynamic-hz", "no", "--hz", "50"),
)
USERS: Final = (
    "user default off",
    "user boss on >boss ~* &* +@all",
    "user follows on >follows +psync +replconf +ping",
    "user watches on >watches &* -@all +multi +exec +slaveof +replicaof +ping +subscribe +config|rewrite"
    " +role +publish +info +client|setname +client|kill +script|kill",
)
ALLOWED: Final = (
    "-@all +@read +@write +@pubsub +@scripting +@connection +@transaction +time -@dangerous +info +config|get"
)
"""What tfserver needs of a store; beside that only its keys and channels."""


class Security:
    """Certificates of an authority of its own, and users, in a folder."""

    def __init__(self, prefix: str) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="tfx-"))
        authority = Authority("Authority of the stores")
        made = authority.certificate("127.0.0.1")
        self.ca_file = str(self.folder / "ca.pem")
        Path(self.ca_file).write_bytes(authority.pem)
        (self.folder / "cert.pem").write_bytes(made.dumpPEM())
        (self.folder / "key.pem").write_bytes(made.privateKey.dump(1))
        name, password = OURS
        ours = f"user {name} on >{password} ~{prefix}* &{prefix}* {ALLOWED}"
        (self.folder / "users.acl").write_text("\n".join((*USERS, ours)) + "\n")

    def tls(self, port: int) -> list[str]:
        """Options for a server or sentinel that speaks only TLS."""
        files = {"cert-file": "cert.pem", "key-file": "key.pem", "ca-cert-file": "ca.pem"}
        found = ["--tls-port", str(port), "--tls-auth-clients", "no", "--tls-replication", "yes"]
        for name, file in files.items():
            found += [f"--tls-{name}", str(self.folder / file)]
        return found

    def of_server(self, port: int) -> list[str]:
        """Options for a store."""
        users = ["--aclfile", str(self.folder / "users.acl")]
        return [*self.tls(port), *users, "--masteruser", "follows", "--masterauth", "follows"]

    def connect(self, plain: socket.socket) -> socket.socket:
        """An encrypted connection of a test."""
        context = ssl.create_default_context(cafile=self.ca_file)
        return context.wrap_socket(plain, server_hostname="127.0.0.1")


class Node(RealStore):
    """One of the servers, asked by its administrator."""

    def __init__(self, *extra: str, security: Security | None = None) -> None:
        port = free_port()
        more = [] if security is None else security.of_server(port)
        super().__init__(*FAST, *more, *extra, port=port if security is None else 0)
        self.place = port
        # sentinels let a server write its settings anew
        self.config = Path(shutil.copy(CONFIG, self.folder))
        self._security = security

    def ask(self, command: str) -> str:
        """Send one inline command and return the reply, empty while it is not there."""
        if self._security is None:
            return super().ask(command)
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(5)
            try:
                connection.connect(self.socket)
                connection.sendall(b"AUTH boss boss\r\n")
                if connection.recv(100) != b"+OK\r\n":
                    return ""
                connection.sendall(command.encode() + b"\r\n")
                return connection.recv(1 << 20).decode("utf-8", "replace")
            except OSError:
                return ""

    def is_primary(self) -> bool:
        """Whether it says so."""
        return "role:master" in self.ask("INFO replication")

    def online(self) -> int:
        """How many replicas follow it."""
        return self.ask("INFO replication").count("state=online")


class Sentinel:
    """Watches the primary under the name ``main``."""

    def __init__(self, primary: int, security: Security | None, down_ms: int) -> None:
        self.port = free_port()
        self._security = security
        self._folder = tempfile.mkdtemp(prefix="tfn-")
        lines = [f"bind 127.0.0.1\ndir {self._folder}\nsentinel monitor main 127.0.0.1 {primary} 2"]
        lines += [f"sentinel down-after-milliseconds main {down_ms}", "sentinel failover-timeout main 3000"]
        options = ["--port", str(self.port)]
        if security is not None:
            lines += ["sentinel auth-user main watches", "sentinel auth-pass main watches"]
            lines += ["requirepass peers", "sentinel sentinel-pass peers"]
            may = "+auth +hello +ping +sentinel|get-master-addr-by-name +sentinel|master"
            lines += [f"user {ASKS[0]} on >{ASKS[1]} -@all {may}"]
            options = ["--port", "0", *security.tls(self.port)]
        self._config = Path(self._folder, "sentinel.conf")
        self._config.write_text("\n".join(lines) + "\n")
        self._command = [choose_binary(None).path, str(self._config), "--sentinel", *options]
        self._process: subprocess.Popen[bytes] | None = None

    def spawn(self) -> Sentinel:
        """Start it without waiting."""
        with open(Path(self._folder, "log"), "wb") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log)
        return self

    def is_ready(self) -> bool:
        """Whether it knows everybody."""
        told = self.ask("SENTINEL MASTER main")
        return all(f"{name}\r\n$1\r\n{n}\r\n" in told for name, n in
                   (("num-slaves", REPLICAS), ("num-other-sentinels", SENTINELS - 1)))  # fmt: skip

    def ask(self, command: str) -> str:
        """Send one inline command and return the reply, empty while it is not there."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), 5) as plain:
                connection = plain
                if self._security is not None:
                    connection = self._security.connect(plain)
                    connection.sendall(b"AUTH peers\r\n")
                    if connection.recv(100) != b"+OK\r\n":
                        return ""
                connection.sendall(command.encode() + b"\r\n")
                found = connection.recv(1 << 16).decode("utf-8", "replace")
                connection.close()
                return found
        except OSError:
            return ""

    def kill(self) -> None:
        """kill -9."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait(SECONDS)

    def remove(self) -> None:
        """End it."""
        self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)


class RealReplicas:
    """A primary with two replicas and three sentinels; ``secured`` is the prefix of keys that tfserver may
    use there, over TLS and as a user with a password."""

    def __init__(self, *extra: str, secured: str | None = None, down_ms: int = DOWN_MS) -> None:
        self.security = None if secured is None else Security(secured)
        self.primary = Node(*extra, security=self.security)
        place = ("--replicaof", f"127.0.0.1 {self.primary.place}")
        self.replicas = [Node(*extra, *place, security=self.security) for _ in range(REPLICAS)]
        made = range(SENTINELS)
        self.sentinels = [Sentinel(self.primary.place, self.security, down_ms) for _ in made]

    @property
    def nodes(self) -> list[Node]:
        """All servers that keep something."""
        return [self.primary, *self.replicas]

    def start(self) -> RealReplicas:
        """Start everything, and wait until all know each other."""
        for node in self.nodes:
            node.start()
        wait_until(lambda: self.primary.online() == REPLICAS, "the replicas follow")
        for sentinel in self.sentinels:
            sentinel.spawn()
        for sentinel in self.sentinels:
            wait_until(sentinel.is_ready, "the sentinels know everybody")
        return self

    @property
    def url(self) -> str:
        """What a server is told."""
        places = ",".join(f"127.0.0.1:{sentinel.port}" for sentinel in self.sentinels)
        if self.security is None:
            return f"sentinel://{places}/main"
        return f"sentinels://{OURS[0]}@{places}/main"

    def ask(self, command: str) -> str:
        """Ask the primary of now."""
        return self.leader().ask(command)

    def leader(self) -> Node:
        """The promoted server, or the first one; of several the one that was promoted."""
        found = [node for node in self.nodes[1:] if node.is_running and node.is_primary()]
        return found[0] if found else self.primary

    def cut_replicas(self) -> None:
        """From now on the replicas miss what the primary keeps: it lets them in no more."""
        assert self.security is None
        answers = self.primary.ask("CONFIG SET requirepass locked\r\nCLIENT KILL TYPE replica")
        assert answers == "+OK\r\n:2\r\n", answers

    def until_promoted(self) -> Node:
        """Wait until a replica was made the primary."""
        wait_until(lambda: self.leader() is not self.primary, "a replica is promoted")
        return self.leader()

    def environment(self) -> dict[str, str]:
        """Passwords for a server, as it gets them."""
        if self.security is None:
            return {}
        return {"TFSERVER_REDIS_PASSWORD": OURS[1], "TFSERVER_SENTINEL_PASSWORD": ASKS[1]}

    def remove(self) -> None:
        """End everything and forget its data."""
        for sentinel in self.sentinels:
            sentinel.remove()
        for node in self.nodes:
            node.remove()
        if self.security is not None:
            shutil.rmtree(self.security.folder, ignore_errors=True)


def secured_settings(replicas: RealReplicas, prefix: str) -> str:
    """Settings of a server for a store with TLS and users."""
    assert replicas.security is not None
    store = {"prefix": prefix, "ca_file": replicas.security.ca_file, "sentinel_user": ASKS[0]}
    lines = [f"  {name}: '{value}'" for name, value in store.items()]
    return "\n".join(["store:", *lines, ""])


def has_tls() -> bool:
    """Whether the store's program that tests use was made with TLS."""
    linked = subprocess.run(["ldd", choose_binary(None).path], capture_output=True, text=True, check=False)
    return "libssl" in linked.stdout
