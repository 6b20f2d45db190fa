"""A server as small as possible, for the tests of the simulator: it answers by the protocol page."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from autobahn.twisted.websocket import WebSocketServerFactory, WebSocketServerProtocol
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ServerEndpoint

CLOUDTIME = "2026-04-02 08:15:04"


def good_answer(request: dict[str, Any]) -> dict[str, Any] | None:
    """What a correct server says to a request (protocol §4)."""
    word = request["cmd"]
    answer: dict[str, Any] = {"ret": word, "result": True, "cloudtime": CLOUDTIME}
    if word == "sendlog":
        answer["count"] = request["count"]
        if "logindex" in request:
            answer["logindex"] = request["logindex"]
    if word == "reg":
        answer["nosenduser"] = False
    return answer


class TinyProtocol(WebSocketServerProtocol):
    """Keeps what it hears in the server's lists and answers as the server's ``answer`` says."""

    def onConnect(self, request: Any) -> None:
        """Autobahn: a terminal asks for a path."""
        self.factory.tiny.paths.append(request.path)

    def onOpen(self) -> None:
        """Autobahn: a terminal is connected."""
        self.factory.tiny.connections.append(self)

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        """Autobahn: a terminal said something."""
        message = json.loads(payload)
        tiny = self.factory.tiny
        tiny.heard.append(message)
        if "cmd" in message:
            answer = tiny.answer(message)
            if answer is not None:
                self.say(answer)
        tiny.wake()

    def onPing(self, payload: bytes) -> None:
        """Autobahn: a heartbeat."""
        self.factory.tiny.pings += 1
        self.sendPong(payload)
        self.factory.tiny.wake()

    def onPong(self, payload: bytes) -> None:
        """Autobahn: the terminal answered our ping."""
        self.factory.tiny.pongs.append(payload)
        self.factory.tiny.wake()

    def onClose(self, wasClean: bool, code: Any, reason: Any) -> None:
        """Autobahn: the terminal is gone."""
        self.factory.tiny.closed += 1
        self.factory.tiny.wake()

    def cut(self) -> None:
        """Drop the connection without a word."""
        transport: Any = self.transport
        transport.abortConnection()

    def say(self, message: dict[str, Any]) -> None:
        """Send one message."""
        self.sendMessage(json.dumps(message, ensure_ascii=False).encode())


class TinyServer:
    """``heard`` has every message in order; `until` waits for a condition on it."""

    def __init__(self, answer: Callable[[dict[str, Any]], dict[str, Any] | None] = good_answer) -> None:
        self.answer = answer
        self.heard: list[dict[str, Any]] = []
        self.paths: list[str] = []
        self.connections: list[TinyProtocol] = []
        self.closed = 0
        self.pings = 0
        self.pongs: list[bytes] = []
        self.url = ""
        self._port: Any = None
        self._awaited: list[tuple[Callable[[], bool], Deferred[None]]] = []

    async def start(self, reactor: Any) -> None:
        """Listen on a free port; ``url`` says where."""
        factory: Any = WebSocketServerFactory(reactor=reactor)
        factory.protocol = TinyProtocol
        factory.tiny = self
        factory.setProtocolOptions(openHandshakeTimeout=0, closeHandshakeTimeout=0)
        self._port = await TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1").listen(factory)
        self.url = f"ws://127.0.0.1:{self._port.getHost().port}/pub/chat"

    async def stop(self) -> None:
        """Listen no more; a second time nothing happens."""
        port, self._port = self._port, None
        if port is not None:
            await port.stopListening()

    def words(self, kind: str = "cmd") -> list[str]:
        """The words of all requests (``cmd``) or replies (``ret``) heard."""
        return [message[kind] for message in self.heard if kind in message]

    def until(self, condition: Callable[[], bool]) -> Deferred[None]:
        """Fires when a message or ping has made the condition true."""
        done: Deferred[None] = Deferred()
        self._awaited.append((condition, done))
        self.wake()
        return done

    def wake(self) -> None:
        """Look at the conditions again."""
        due = [awaited for awaited in self._awaited if awaited[0]()]
        self._awaited = [awaited for awaited in self._awaited if awaited not in due]
        for _, done in due:
            done.callback(None)
