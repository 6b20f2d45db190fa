"""Peer: Autobahn on Twisted as it is, json, no store. Prints ``ready PORT``."""

from __future__ import annotations

import json
import sys

from autobahn.twisted.websocket import WebSocketServerFactory, WebSocketServerProtocol
from exchange import answer_to
from twisted.internet import reactor


class Terminal(WebSocketServerProtocol):
    """One connection."""

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        """Answer a message."""
        self.sendMessage(answer_to(json.loads(payload)).encode())


factory = WebSocketServerFactory()
factory.protocol = Terminal
port = reactor.listenTCP(0, factory, backlog=4096, interface="127.0.0.1")  # type: ignore[attr-defined]
sys.stdout.write(f"ready {port.getHost().port}\n")
sys.stdout.flush()
reactor.run()  # type: ignore[attr-defined]
