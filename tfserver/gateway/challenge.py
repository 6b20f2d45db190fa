"""Links that keep another device out: each has to show that it lives, or makes room at once.

Of two devices under one serial number only one is heard for a while (``admission.twins_seconds``); a
connection of which only our end is left must not keep the living one out for so long.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from twisted.logger import Logger

from tfserver.gateway.link import Link

ANSWER_SECONDS: Final = 5.0
"""How long a terminal may take to answer a ping while another one waits."""


class Challenges:
    """Links that were pinged because somebody else asks for their lease, each with when that was."""

    _log = Logger()

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._asked: dict[Link, float] = {}

    def challenge(self, link: Link) -> None:
        """Somebody else asks for the lease of this one."""
        if link not in self._asked and not link.closing:
            self._asked[link] = self._clock()
            link.ping()

    def sweep(self) -> None:
        """Cut those that said nothing since."""
        now = self._clock()
        for link, asked in list(self._asked.items()):
            if link.closing or link.heard_at > asked:
                del self._asked[link]
            elif now - asked >= ANSWER_SECONDS:
                del self._asked[link]
                told = "{sn}: cut off: silent while another device with its number waits"
                self._log.warn(told, **link.context.about)
                link.abort()
