"""Commands as people order them, and what is said of wrong ones."""

from __future__ import annotations

from typing import Any, Final

import tfserver.commands
from tfserver.wire import codec
from tfserver.wire.message import Command, Problems, Profile, Reply
from tfserver.wire.ordering import decode

assert tfserver.commands, "fills the vocabulary"

PROFILE: Final = Profile()


def ordered(word: str, **fields: Any) -> Command[Any]:
    """A command that is right."""
    found, problems = decode(word, fields, PROFILE)
    assert found is not None, problems
    return found


def problems(word: str, **fields: Any) -> Problems:
    """All that is wrong with one."""
    found, wrong = decode(word, fields, PROFILE)
    assert (found is None) is bool(wrong), (found, wrong)
    return wrong


def wrong_fields(word: str, **fields: Any) -> list[str]:
    """Which of its fields are wrong."""
    return [field for field, _ in problems(word, **fields)]


def said(word: str, **fields: Any) -> dict[str, Any]:
    """What the terminal hears beside ``cmd``."""
    return ordered(word, **fields).said("2026-04-02 12:05:00")


def replied(kind: type[Command[Any]], **message: Any) -> Reply:
    """The typed reply to a command, as read from the wire."""
    frame = codec.Frame(kind.word(), False, {"ret": kind.word(), "result": True, **message})
    return codec.read_reply(kind.reply_type(), codec.reply_of(frame))
