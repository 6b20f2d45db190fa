"""Short cuts through Autobahn for what terminals really send; anything unusual takes Autobahn's own path.

Each short cut is a mixin with a switch of its own (``fast.*`` in the settings), and keeps every check that
Autobahn makes on the same bytes. They lean on internals of Autobahn, so they are used only with the versions
they were checked with. What each is worth: docs/performance.md.
"""

from __future__ import annotations

from importlib import metadata
from typing import Any, Final

from twisted.internet import tcp

from tfserver.config import Fast
from tfserver.gateway.fastframes import DirectServer, FastDirect, FastReceive, FastSend
from tfserver.gateway.fastopen import INITIAL, FastHandshake, Lean
from tfserver.gateway.protocol import TerminalProtocol

CHECKED: Final = frozenset({"26.10.1", "26.10.2"})
_MIXINS: Final[dict[str, type[TerminalProtocol]]] = {
    "receive": FastReceive,
    "send": FastSend,
    "direct": FastDirect,
    "handshake": FastHandshake,
    "lean": Lean,
}


def applies(settings: Fast) -> tuple[list[str], str]:
    """The short cuts that are switched on and fit this Autobahn, and why the others don't."""
    found = metadata.version("autobahn")
    if found not in CHECKED:
        return [], f"not checked with Autobahn {found}"
    return [name for name in _MIXINS if getattr(settings, name)], ""


OF_PLAIN_TCP: Final = ("direct", "lean")
"""Those that need connections to be plain TCP: neither TLS nor a Unix socket."""


def transport_for(port: Any, factory: Any, names: list[str]) -> bool:
    """Let connections that a plain TCP port accepts be direct ones; False for any other port."""
    if type(port) is not tcp.Port or getattr(port.factory, "wrapped", port.factory) is not factory:
        return False
    if "direct" in names:
        made: Any = port
        made.transport = DirectServer
    return True


def protocol_for(factory: Any, names: list[str]) -> type[TerminalProtocol]:
    """The connection class with these short cuts, for connections of this factory."""
    if not names:
        return TerminalProtocol
    found = {name: getattr(factory, name) for name in TerminalProtocol.CONFIG_ATTRS}
    options = {name: staticmethod(value) if callable(value) else value for name, value in found.items()}
    initial = INITIAL if "lean" in names else {}
    # FastDirect is a FastSend already.
    mixins = [_MIXINS[name] for name in names if not (name == "send" and "direct" in names)]
    return type("FastProtocol", tuple(mixins), {**options, **initial})
