"""What the numbers mean that terminals refuse with (protocol §3.8)."""

from __future__ import annotations

from typing import Any, Final

from tfserver.credentials import PHOTO
from tfserver.order import OrderError
from tfserver.wire.message import Command, RawReply

MOST_MSG: Final = 200
GENERAL: Final = 1
"""The only official number."""
_OF_PHOTOS: Final = {
    1: "the image is too big",
    5: "there is no face in it",
    6: "there is more than one face in it",
    7: "the picture is too wide or too high",
    8: "the face is too large",
    9: "the face is too small",
    10: "the quality is poor",
    11: "the face is cut off or turned",
    12: "the face is enrolled already",
}


def refusal(command: Command[Any], reply: RawReply) -> OrderError:
    """Why the terminal refused: in words, with its own number and its own words."""
    reason, msg = reply.fields.get("reason"), reply.fields.get("msg")
    number = reason if isinstance(reason, int | str) and not isinstance(reason, bool) else None
    if isinstance(number, str):
        number = _without_secrets(number, command)[:MOST_MSG]
    words = _without_secrets(msg, command)[:MOST_MSG] if isinstance(msg, str | int | float) else None
    # only who was sent a photo judges it: adduser names the same slot
    of_photo = command.fields().get("backupnum") == PHOTO and "record" in command.secrets()
    # 1 is also what terminals say when they say nothing: their own words are better then
    is_general = _number(number) == GENERAL and words
    meaning = None if is_general or not of_photo else _OF_PHOTOS.get(_number(number))
    told = meaning or words or ("no reason given" if number is None else f"reason {str(number)[:MOST_MSG]}")
    return OrderError(f"the terminal refused: {told}", number, words)


def _without_secrets(said: str | float, command: Command[Any]) -> str:
    """Firmware may repeat what it refuses."""
    words = str(said)
    for value in command.secrets().values():
        words = words.replace(value, "***") if value else words
    return words


def _number(reason: int | str | None) -> int:
    text = str(reason)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0
