"""A real load balancer in front of real servers: the files in ``etc/`` as they are, but on free ports."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, Literal

from tests.real.process import free_port
from tests.real.store import SECONDS, wait_until

ETC: Final = Path(__file__).parents[2] / "etc"
FILES: Final = {"haproxy": "haproxy.cfg", "nginx": "nginx.conf"}
MOST: Final = 3
"""How many servers the files have."""
TLS_MARK: Final = "# tls: "
Kind = Literal["haproxy", "nginx"]


class Balancer:
    """HAProxy or nginx in front of up to three servers, each the ports of its terminals and its people.

    ``certificate`` is a PEM file with certificate and key: then it also listens with TLS, on
    ``terminals_tls_port`` and ``http_tls_port``, by the lines that the file has for that. Real addresses
    arrive at servers that have ``127.0.0.1`` among their ``limits.trusted_proxies``.
    """

    def __init__(self, kind: Kind, servers: Sequence[tuple[int, int]], certificate: str = "") -> None:
        assert 0 < len(servers) <= MOST, "etc/ has three"
        self.kind = kind
        self.folder = tempfile.mkdtemp(prefix="tfb-")
        os.chmod(self.folder, 0o755)  # HAProxy and nginx give up being root
        self.terminals_port, self.http_port = free_port(), free_port()
        self.terminals_tls_port, self.http_tls_port = free_port(), free_port()
        self._servers = list(servers)
        self._certificate = certificate
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> str:
        """Path of what it printed."""
        return os.path.join(self.folder, "log")

    def said(self) -> str:
        """What it printed so far, and all other logs it wrote."""
        return "".join(path.read_text("utf-8", "replace") for path in sorted(Path(self.folder).glob("*log")))

    def start(self) -> Balancer:
        """Start it, and wait until it takes connections and has a server to give them to."""
        path = Path(self.folder, FILES[self.kind])
        path.write_text(self._settings((ETC / FILES[self.kind]).read_text("utf-8")), "utf-8")
        with open(self.log, "ab") as log:
            self._process = subprocess.Popen(
                _command(self.kind, str(path), self.folder),
                stdout=log,
                stderr=log,
                env={**os.environ, **self._environment()},
            )
        wait_until(self._is_up, "the balancer answers")
        return self

    def health(self) -> int:
        """The status of ``/healthz`` through it, 0 when there is none."""
        try:
            with socket.create_connection(("127.0.0.1", self.http_port), 5) as connection:
                connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: balancer\r\nConnection: close\r\n\r\n")
                found = re.match(rb"HTTP/1\.1 (\d{3})", connection.recv(1 << 12))
        except OSError:
            return 0
        return int(found[1]) if found else 0

    def pids(self) -> list[int]:
        """Its process, and those that it started."""
        assert self._process is not None
        own = self._process.pid
        return [own, *map(int, Path(f"/proc/{own}/task/{own}/children").read_text().split())]

    def stop(self) -> None:
        """End it at once, with all connections."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait(SECONDS)

    def remove(self) -> None:
        """End it and forget its files."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _is_up(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self.said()
        return self.health() == 200

    def _settings(self, text: str) -> str:
        """The file for this place: HAProxy has nearly all from its environment, nginx has to be edited."""
        for missing in range(len(self._servers) + 1, MOST + 1):
            text = re.sub(rf"(?m)^ +server ({missing} |127\.0\.0\.1:1{missing}78\d ).*\n", "", text)
        if self._certificate:
            text = text.replace(TLS_MARK, "")
        if os.geteuid() != 0:
            text = re.sub(r"(?m)^ *(user|group) .*\n", "", text)
        if self.kind == "haproxy":
            return text
        for old, new in self._places().items():
            assert old in text or not self._certificate, f"{old} is not in {FILES[self.kind]}"
            text = text.replace(old, new)
        return text

    def _places(self) -> dict[str, str]:
        """What stands in nginx.conf, and what in its place here."""
        found = {
            "listen 7788 ": f"listen 127.0.0.1:{self.terminals_port} ",
            "listen 127.0.0.1:7789;": f"listen 127.0.0.1:{self.http_port};",
            "listen 7443 ": f"listen 127.0.0.1:{self.terminals_tls_port} ",
            "listen 443 ": f"listen 127.0.0.1:{self.http_tls_port} ",
            "/etc/tfserver/balancer.crt": self._certificate,
            "/etc/tfserver/balancer.key": self._certificate,
            "/run/nginx.pid": f"{self.folder}/pid",
            "/var/log/nginx/": f"{self.folder}/",
        }
        for number, (terminals, people) in enumerate(self._servers, 1):
            found[f"server 127.0.0.1:1{number}788 "] = f"server 127.0.0.1:{terminals} "
            found[f"server 127.0.0.1:1{number}789 "] = f"server 127.0.0.1:{people} "
        return found

    def _environment(self) -> Mapping[str, str]:
        """What haproxy.cfg takes from its environment."""
        found = {
            "TF_TERMINALS": f"127.0.0.1:{self.terminals_port}",
            "TF_PEOPLE": f"127.0.0.1:{self.http_port}",
            "TF_TERMINALS_TLS": f"127.0.0.1:{self.terminals_tls_port}",
            "TF_PEOPLE_TLS": f"127.0.0.1:{self.http_tls_port}",
            "TF_CERTIFICATE": self._certificate,
        }
        for number, (terminals, people) in enumerate(self._servers, 1):
            found |= {f"TF_TERMINALS_{number}": str(terminals), f"TF_PEOPLE_{number}": str(people)}
        return found


def _command(kind: Kind, path: str, folder: str) -> list[str]:
    """In the foreground, as a child that a signal ends."""
    program = shutil.which(kind, path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    assert program is not None, f"{kind} is not installed"
    if kind == "haproxy":
        return [program, "-f", path, "-db"]
    return [program, "-c", path, "-p", folder, "-g", "daemon off;", "-e", f"{folder}/start.log"]
