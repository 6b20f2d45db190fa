"""An exchange with a terminal at the other end, for tests: what is said and what is told, as plain values."""

from __future__ import annotations

import json
from typing import Any

from tfserver.wire import codec
from tfserver.wire.codec import Frame
from tfserver.wire.exchange import Asking, Cut, End, Exchange, Finished, Say, Step, Stray

WITHIN = 20.0


def asking(word: str = "opendoor", **more: Any) -> Asking:
    """A command to be said."""
    return Asking(word, codec.encode_command(word, {}), **{"within": WITHIN, **more})


def reply(word: str = "opendoor", **fields: Any) -> Frame:
    """A reply as it is read from the wire."""
    found = codec.decode(json.dumps({"ret": word, **fields}).encode())
    assert isinstance(found, Frame)
    return found


def said(steps: list[Step]) -> list[str]:
    """The words of what is to be written."""
    return [json.loads(step.payload)["cmd"] for step in steps if isinstance(step, Say)]


def ends(steps: list[Step]) -> list[End]:
    """How exchanges ended."""
    return [step.end for step in steps if isinstance(step, Finished)]


def strays(steps: list[Step]) -> list[tuple[str, str]]:
    """What is odd, and the word it is odd about."""
    return [(step.what, step.word) for step in steps if isinstance(step, Stray)]


def is_cut(steps: list[Step]) -> bool:
    """Whether the connection is to be ended."""
    return any(isinstance(step, Cut) for step in steps)


def timed_out(*words: str) -> tuple[Exchange, float]:
    """A free exchange whose commands were not answered in time, one after another, and the time then."""
    exchange, now = Exchange(), 0.0
    for word in words:
        exchange.submit(asking(word), now)
        now += WITHIN
        assert ends(exchange.tick(now)) == [End.SILENT]
    return exchange, now
