"""What the moods of a terminal do to its answers; the table of them is in `tfserver.simulator.moods`.

An act stands around the obeying of a command and gives the answer; a form spoils the finished reply.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from tfserver.simulator.answers import Answer, Asked, Done, Gone, Message, Refused, Silence, whole
from tfserver.simulator.memory import Memory

Obey = Callable[[], Answer]
"""Does what the command says, and gives the answer that is due."""
OTHER_WORDS = ("gettime", "settime")
"""Words of answers that nobody asked for; the first that was not the command's."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One command of a word: ``number`` counts from 1, in a list that is read page by page with its pages.

    ``before`` is the answer to the command before, if that had the same word.
    """

    asked: Asked
    number: int
    before: Answer | None


Act = Callable[[Any, Turn, Obey], Answer]
Form = Callable[[Any, Message, dict[str, Any]], dict[str, Any] | bytes]


def always(value: object, turn: Turn) -> bool:
    """The mood acts on each command."""
    return True


def after_pages(value: int, turn: Turn) -> bool:
    """The mood acts once ``value`` pages of the list were given out."""
    return turn.number > value


def after_a_page(value: int, turn: Turn) -> bool:
    """As `after_pages`, when there is a page before that could be sent again."""
    return turn.number > value and isinstance(turn.before, Done)


def keep_silent(value: str, turn: Turn, obey: Obey) -> Answer:
    """Say nothing; with ``obeys`` what the command says is done all the same."""
    if value == "obeys":
        obey()
    return Silence()


def refuse(value: int | str, turn: Turn, obey: Obey) -> Answer:
    """Do nothing and say ``result:false`` with this reason."""
    return Refused(value, "device busy")


def drop(value: int, turn: Turn, obey: Obey) -> Answer:
    """Do what the command says, and be gone before the answer."""
    obey()
    return Gone("a mood")


def repeat(value: int, turn: Turn, obey: Obey) -> Answer:
    """Say the page before again; the cursor stays where it is."""
    return obey() if turn.before is None else turn.before


def count_nothing(value: object, turn: Turn, obey: Obey) -> Answer:
    """``count`` is 0 on every page."""
    return _counting(obey(), lambda fields: 0)


def count_page(value: object, turn: Turn, obey: Obey) -> Answer:
    """``count`` is the length of the page."""
    return _counting(obey(), _length)


def lose_cursor(value: str, memory: Memory) -> None:
    """Another command came between two pages: begin the list again, or know nothing of it any more."""
    if value == "empty" or memory.cursor is None:
        memory.cursor = None
    else:
        memory.cursor.position = 0


def say_other(value: str, command: Message, reply: dict[str, Any]) -> dict[str, Any] | bytes:
    """Answer with another word, or for another ``enrollid``."""
    if value == "enrollid":
        return {**reply, "enrollid": (whole(command.get("enrollid")) or 0) + 1}
    word = value or next(word for word in OTHER_WORDS if word != command["cmd"])
    return {**reply, "ret": word}


def say_cmd(value: object, command: Message, reply: dict[str, Any]) -> dict[str, Any] | bytes:
    """``cmd`` where ``ret`` belongs (protocol §1.3)."""
    return {"cmd" if key == "ret" else key: part for key, part in reply.items()}


def say_rubbish(value: str, command: Message, reply: dict[str, Any]) -> dict[str, Any] | bytes:
    """Half a message, a ``result`` that is neither true nor false, or none."""
    if value == "maybe":
        return {**reply, "result": "maybe"}
    if value == "no-result":
        return {key: part for key, part in reply.items() if key != "result"}
    text = json.dumps(reply)
    return text[: len(text) // 2].encode()


def _counting(answer: Answer, count: Callable[[dict[str, Any]], int]) -> Answer:
    if not isinstance(answer, Done) or "count" not in answer.fields:
        return answer
    return replace(answer, fields={**answer.fields, "count": count(answer.fields)})


def _length(fields: dict[str, Any]) -> int:
    """How many entries a page has; ``getallusers`` has one at a time."""
    record = fields.get("record", [])
    return len(record) if isinstance(record, list) else 1
