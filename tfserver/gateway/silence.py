"""Commands that terminals leave unanswered, so that nobody waits for the same silence again and again.

Old firmware says nothing to a command that it does not know (protocol §7 #21). Each such silence keeps
everybody else from the terminal for its time. So what the server asks by itself it asks at most once a
connection, and not at all where a kind of terminal was silent several times in a row while it answered other
commands.
"""

from __future__ import annotations

from tfserver.commands.context import Context
from tfserver.gateway.link import Link
from tfserver.store.models import Learnt, Models
from tfserver.wire.exchange import End


class Silences:
    """The silences on the connections of one process."""

    def __init__(self, models: Models) -> None:
        self._models = models
        self._of: dict[Link, dict[str, bool]] = {}
        """The silent commands of a connection, and whether the kind of terminal was charged with them."""

    def forget(self, link: Link) -> None:
        """The connection is over."""
        self._of.pop(link, None)

    def is_silent(self, link: Link, learnt: Learnt, word: str) -> bool:
        """Whether it is of no use to say this."""
        return word in self._of.get(link, ()) or word in never_answered(link.context, learnt)

    async def note(self, link: Link, learnt: Learnt, word: str, end: End) -> None:
        """A command was said, and ended so.

        A terminal that hangs is silent on everything: only when it has answered another command does a
        silence say something of its kind.
        """
        if end is End.SILENT:
            self._of.setdefault(link, {}).setdefault(word, False)
        if end is not End.REPLIED:
            return
        make = link.context.make
        silent = self._of.get(link, {})
        silent.pop(word, None)
        if word in learnt.silences:
            await self._models.has_answered(make.model, make.firmware, word)
        for other in [other for other, is_charged in silent.items() if not is_charged]:
            silent[other] = True
            await self._models.was_silent(make.model, make.firmware, other)


def never_answered(terminal: Context, learnt: Learnt) -> frozenset[str]:
    """What a terminal of this kind does not answer: what people said of it counts before what was learnt."""
    if terminal.registration.model_profile in terminal.settings.profiles:
        return terminal.profile.silent
    return learnt.silent
