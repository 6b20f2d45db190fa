"""What a receiver gets: Standard Webhooks' ``{"type","timestamp","data"}``, one message or a list of them.

The JSON of a record is not read and written anew: what stands in the store goes out as it is, with its
place in the feed in front. All of a message follows from the entry, so a repeat is the same, byte for byte.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final, NamedTuple

import msgspec

from tfserver.model import DOOR_ALARMS, Kind
from tfserver.store.webhooks import TERMINAL

_ID_DIGITS: Final = 32


class Wanted(NamedTuple):
    """What a webhook is for; nothing named: all."""

    kinds: frozenset[str]
    sites: frozenset[str]

    def has(self, kind: str, site: str) -> bool:
        """Whether something of this kind, at this site, is for it."""
        return (not self.kinds or kind in self.kinds) and (not self.sites or site in self.sites)


class Message(msgspec.Struct, frozen=True, gc=False):
    """One message: its place, the ``webhook-id`` it has when it goes alone, and its JSON."""

    place: str
    id: str
    text: str


class _Record(msgspec.Struct, gc=False):
    """As much of a punch as decides about it; the rest is passed over."""

    uid: str = ""
    kind: str = Kind.PUNCH.value
    site: str = ""
    event: int = 0


class _Event(msgspec.Struct, gc=False):
    event: str = "changed"
    site: str = ""


_record: Final = msgspec.json.Decoder(_Record).decode
_event: Final = msgspec.json.Decoder(_Event).decode


def punch_message(place: str, body: str, wanted: Wanted) -> Message | None:
    """The message of a record in the feed, or None when it is not for this webhook."""
    record = _record(body)
    if not wanted.has(record.kind, record.site):
        return None
    time = timestamp(place)
    kind, more = record.kind, ""
    if kind == Kind.DOOR.value and (alarm := DOOR_ALARMS.get(record.event)):
        kind, more = "door.alarm", f'"alarm":"{alarm}",'
    # a record is a JSON object with fields: its place becomes the first of them
    text = f'{{"type":"{kind}","timestamp":"{time}","data":{{"id":"{place}",{more}{body[1:]}}}'
    return Message(place, f"punch_{record.uid or place}", text)


def event_message(place: str, body: str, wanted: Wanted) -> Message | None:
    """The message of an event of a terminal, or None when it is not for this webhook."""
    event = _event(body)
    if not wanted.has(TERMINAL, event.site):
        return None
    kind = msgspec.json.encode(f"{TERMINAL}.{event.event}").decode()
    return Message(
        place, f"event_{place}", f'{{"type":{kind},"timestamp":"{timestamp(place)}","data":{body}}}'
    )


def single(message: Message) -> tuple[str, bytes]:
    """The id and the body of a message that goes alone."""
    return message.id, message.text.encode()


def batch(messages: Sequence[Message]) -> tuple[str, bytes]:
    """The id and the body of several messages in one request: the same messages have the same id."""
    data = ",".join([message.text for message in messages])
    body = f'{{"type":"batch","timestamp":"{timestamp(messages[-1].place)}","data":[{data}]}}'.encode()
    return f"batch_{hashlib.sha256(body).hexdigest()[:_ID_DIGITS]}", body


def timestamp(place: str) -> str:
    """When an entry was kept, by the store's clock (RFC 3339)."""
    ms = place.partition("-")[0]
    return f"{_second(ms[:-3])}.{ms[-3:]:0>3}Z"


@lru_cache(64)
def _second(seconds: str) -> str:
    return datetime.fromtimestamp(int(seconds or 0), UTC).strftime("%Y-%m-%dT%H:%M:%S")
