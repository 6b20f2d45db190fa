"""Can a terminal get through to a server? A TCP connection and a WebSocket handshake over a plain socket."""

from __future__ import annotations

import base64
import hashlib
import os
import socket
import ssl
from http import HTTPStatus
from typing import Final
from urllib.parse import SplitResult, urlsplit

PATH: Final = "/pub/chat"
PORT: Final = 7788
SECONDS: Final = 5.0
MOST_BYTES: Final = 65_536
_MAGIC: Final = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_GOOD_BYE: Final = b"\x88\x82\x00\x00\x00\x00\x03\xe8"
"""A close frame of a client with the code 1000."""


class NoHandshake(Exception):
    """What went wrong, in words."""


def shake_hands(url: str) -> None:
    """Connect as a terminal would and go away again; NoHandshake when it can't be done."""
    parts = _parsed(url)
    port = parts.port or (443 if parts.scheme == "wss" else PORT)
    assert parts.hostname is not None
    try:
        with _connected(parts, parts.hostname, port) as connection:
            key = base64.b64encode(os.urandom(16)).decode()
            connection.sendall(_request(parts, port, key))
            _check(_head(connection), key)
            connection.sendall(_GOOD_BYE)
    except ssl.SSLError as wrong:
        raise NoHandshake(f"something answers, but not with TLS that can be trusted: {wrong}") from wrong
    except ConnectionRefusedError as wrong:
        raise NoHandshake("nobody listens there") from wrong
    except TimeoutError as wrong:
        raise NoHandshake(f"no answer within {SECONDS:g} seconds") from wrong
    except OSError as wrong:
        raise NoHandshake(str(wrong)) from wrong


def _parsed(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        if parts.scheme in ("ws", "wss") and parts.hostname and parts.port != 0:
            return parts
    except ValueError:
        pass
    raise NoHandshake("expected a URL such as ws://192.168.1.20:7788")


def _connected(parts: SplitResult, host: str, port: int) -> socket.socket:
    plain = socket.create_connection((host, port), SECONDS)
    if parts.scheme != "wss":
        return plain
    try:
        return ssl.create_default_context().wrap_socket(plain, server_hostname=host)
    except BaseException:
        plain.close()
        raise


def _request(parts: SplitResult, port: int, key: str) -> bytes:
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    path = parts.path if parts.path not in ("", "/") else PATH
    headers = [
        f"GET {path} HTTP/1.1",
        f"Host: {host}:{port}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {key}",
        "Sec-WebSocket-Version: 13",
    ]
    return "\r\n".join([*headers, "", ""]).encode("ascii", "replace")


def _head(connection: socket.socket) -> list[str]:
    data = b""
    while b"\r\n\r\n" not in data:
        more = connection.recv(4096)
        if not more:
            raise NoHandshake("the connection was closed without an answer")
        data += more
        if len(data) > MOST_BYTES:
            raise NoHandshake("what answers does not speak HTTP")
    return data.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")


def _check(head: list[str], key: str) -> None:
    version, _, status = head[0].partition(" ")
    if not version.startswith("HTTP/"):
        raise NoHandshake("what answers does not speak HTTP")
    if status.partition(" ")[0] != str(HTTPStatus.SWITCHING_PROTOCOLS.value):
        raise NoHandshake(f"it answers '{status}' and not the WebSocket handshake")
    headers = {
        name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in head)
    }
    proof = base64.b64encode(hashlib.sha1((key + _MAGIC).encode()).digest()).decode()
    if headers.get("sec-websocket-accept") != proof:
        raise NoHandshake("it answers, but not to our key: something in between answers for it")
