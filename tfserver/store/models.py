"""What was learnt of kinds of terminals, by model and firmware: which commands they know and how they answer
(protocol, appendix B). All processes share it."""

from __future__ import annotations

from typing import Final, NamedTuple

import msgspec

from tfserver.store.client import Client

MOST_FIELDS: Final = 20_000
"""Of all kinds together: a few for each."""
MOST_SILENCES: Final = 3
"""A command that was not answered so often in a row is not known to this kind of terminal."""
CLAIM_MS: Final = 300_000
"""So long nobody else makes notes while somebody does."""
AGAIN_MS: Final = 90 * 86_400_000
"""Notes that are older are made anew."""
WORDS: Final = (
    *("gettime", "settime", "getdevinfo", "getuserlist", "getdevlock", "getnewlog", "getalllog"),
    *("disabledevice", "enabledevice"),
)
"""Commands that the server says by itself."""


class Note(msgspec.Struct, frozen=True, omit_defaults=True):
    """How a command was met: ``answered``, ``refused`` or ``silent``; and whether the reply had ``sn``."""

    met: str
    sn: bool | None = None


class Notes(msgspec.Struct, frozen=True):
    """The dialect of a kind of terminal, as far as it showed; None is what did not show.

    ``at`` is when it was looked at (UTC, ms), ``to`` is ``inclusive`` or ``exclusive``, ``count`` is
    ``total``, ``page or total`` or ``wrong``, ``admin`` is ``text`` or ``number``, ``msg`` whether refusals
    have words.
    """

    at: int
    words: dict[str, Note]
    to: str | None = None
    count: str | None = None
    admin: str | None = None
    msg: bool | None = None


class Learnt(NamedTuple):
    """What is known of a kind: its notes if somebody made them, and how often in a row it did not answer."""

    notes: Notes | None
    silences: dict[str, int]

    @property
    def silent(self) -> frozenset[str]:
        """The commands that it does not answer."""
        return frozenset(word for word, count in self.silences.items() if count >= MOST_SILENCES)

    def wants_notes(self, now_ms: int) -> bool:
        """Whether nobody looked at it yet, or long ago."""
        return self.notes is None or now_ms - self.notes.at >= AGAIN_MS


NOTHING: Final = Learnt(None, {})


class Models:
    """Kinds of terminals. One without model and firmware is no kind, and nothing is learnt of it."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def get(self, model: str, firmware: str) -> Learnt:
        """What is known of a kind."""
        field = _field(model, firmware)
        if not field:
            return NOTHING
        counters = [f"{field}|{word}" for word in WORDS]
        notes, *counts = await self._client.read("HMGET", self._client.keys.models, field, *counters)
        silences = {word: int(count) for word, count in zip(WORDS, counts, strict=True) if count}
        return Learnt(msgspec.json.decode(notes, type=Notes) if notes else None, silences)

    async def was_silent(self, model: str, firmware: str, word: str) -> int:
        """It did not answer a command; how often that was so in a row. Of words that nobody says by himself
        nothing is learnt."""
        field = _field(model, firmware)
        if not field or word not in WORDS:
            return 0
        return int(await self._client.run("models", self._keys, [MOST_FIELDS, "silence", f"{field}|{word}"]))

    async def has_answered(self, model: str, firmware: str, word: str) -> None:
        """It answered a command on which it was silent before."""
        await self._client.write("HDEL", self._client.keys.models, f"{_field(model, firmware)}|{word}")

    async def claim(self, model: str, firmware: str) -> bool:
        """Whether notes on this kind are missing or old, and to be made by the caller."""
        field = _field(model, firmware)
        if not field:
            return False
        args = [MOST_FIELDS, "claim", field, _claimed(field), CLAIM_MS, AGAIN_MS]
        return bool(await self._client.run("models", self._keys, args))

    async def keep(self, model: str, firmware: str, notes: Notes) -> None:
        """Keep the notes that were made on a kind."""
        name, field = self._client.keys.models, _field(model, firmware)
        await self._client.write("HSET", name, field, msgspec.json.encode(notes))
        await self._client.write("HDEL", name, _claimed(field))

    @property
    def _keys(self) -> list[str]:
        return [self._client.keys.models]


def _field(model: str, firmware: str) -> str:
    """``model|firmware``; empty when neither is known."""
    parts = [text.strip().replace("|", "/") for text in (model, firmware)]
    return "|".join(parts) if any(parts) else ""


def _claimed(field: str) -> str:
    return f"{field}|(claimed)"
