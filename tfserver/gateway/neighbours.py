"""What a link needs of those around it: its connection, and who keeps the list of links."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from tfserver.gateway.stalls import Stalls

if TYPE_CHECKING:
    from tfserver.gateway.link import Link


class Wire(Protocol):
    """What a link needs of its connection."""

    transport: Any

    def sendMessage(self, payload: bytes, isBinary: bool = False) -> None:
        """Send one message."""

    def send_now(self, payload: bytes) -> bool:
        """Send one message; whether all of it is in the kernel's hands."""

    def sendPing(self, payload: bytes | None = None) -> None:
        """Send a ping."""

    def sendClose(self, code: int | None = None, reason: str | None = None) -> None:
        """Begin the closing handshake."""


class Watcher(Protocol):
    """Who keeps the list of links; ``stalls`` are those in the middle of something."""

    stalls: Stalls

    def registered(self, link: Link) -> None:
        """A terminal was admitted on this link."""

    def refused(self, link: Link, reason: str) -> None:
        """A terminal was not admitted, or not any more."""

    def forget(self, link: Link) -> None:
        """The link is over."""
