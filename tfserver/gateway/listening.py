"""Listening on what the settings say: Twisted's endpoint strings, with our backlog and our doors."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any, Final, NamedTuple

from twisted.internet import endpoints
from twisted.internet.error import CannotListenError

from tfserver.errors import StartError
from tfserver.gateway.proxied import ProxiedFactory
from tfserver.proxies import Proxies

BACKLOG: Final = 4096
"""Connections that may wait to be taken, where an endpoint says nothing: a whole fleet comes back at once."""
_PROXIED: Final = "haproxy:"
_BEHIND_PROXY: Final = re.compile("tcp6?:")
_WITH_BACKLOG: Final = re.compile("(?:tcp6?|ssl|tls|unix):")


class Door(NamedTuple):
    """Which proxies are believed at an endpoint, and where those are counted that are turned away."""

    proxies: Proxies
    turned_away: Counter[str]


async def listen(reactor: Any, text: str, factory: Any, setting: str, door: Door) -> Any:
    """Listen on a Twisted endpoint string; StartError says which setting and why not."""
    inner = text.removeprefix(_PROXIED)
    if inner != text:
        factory = _proxied(reactor, text, inner, factory, setting, door)
    try:
        endpoint = _endpoint(reactor, inner)
    except (ValueError, LookupError, TypeError, OSError) as wrong:  # OSError: a certificate it names
        raise StartError(f"{setting}: '{text}' is no endpoint such as tcp:7788: {wrong}") from wrong
    try:
        return await endpoint.listen(factory)
    except (CannotListenError, OSError) as failed:
        raise StartError(f"{setting}: can't listen on {text}: {failed}") from failed


def _proxied(reactor: Any, text: str, inner: str, factory: Any, setting: str, door: Door) -> ProxiedFactory:
    """What takes connections of an endpoint that begins with ``haproxy:``."""
    if not _BEHIND_PROXY.match(inner):
        raise StartError(
            f"{setting}: '{text}' is no endpoint such as haproxy:tcp:7788; a proxy that says whose "
            "connections it brings ends TLS itself"
        )
    if not door.proxies:
        raise StartError(
            f"{setting}: '{text}' takes connections from limits.trusted_proxies alone, and there are none"
        )
    return ProxiedFactory(reactor, factory, door.proxies, door.turned_away)


def _endpoint(reactor: Any, text: str) -> Any:
    """The endpoint, with our backlog where its kind has one and the text does not set it."""
    kind = _WITH_BACKLOG.match(text)
    if kind is not None:
        # Of a name given twice the later one counts.
        ours = f"{kind[0]}backlog={BACKLOG}:{text[kind.end() :]}"
        try:
            return endpoints.serverFromString(reactor, ours)
        except TypeError:  # its backlog is given by place, or it is wrong in another way that is told now
            pass
    return endpoints.serverFromString(reactor, text)
