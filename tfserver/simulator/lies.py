"""Moods about people: terminals that say true and do not keep what they were given, or refuse it."""

from __future__ import annotations

from dataclasses import replace

from tfserver.simulator.acts import Obey, Turn
from tfserver.simulator.answers import Answer, Asked, Done, Refused, whole
from tfserver.simulator.capacity import PHOTO, kind_of
from tfserver.simulator.memory import User

WHOLE_USER = 13
REFUSALS = {
    1: "image too big",
    5: "no face",
    6: "more than one face",
    7: "picture too large",
    8: "face too large",
    9: "face too small",
    10: "poor quality",
    11: "face incomplete",
    12: "face already enrolled",
}
"""What terminals say beside the numbers of protocol §3.8."""


def is_meant(value: str, turn: Turn) -> bool:
    """Whether a command brings a credential of this kind; without a kind every command is meant."""
    backupnum = turn.asked.number("backupnum")
    return not value or (backupnum is not None and kind_of(backupnum) == value)


def is_face(value: object, turn: Turn) -> bool:
    """Whether a command brings a photo or a face."""
    return is_meant("face", turn)


def is_photo(value: object, turn: Turn) -> bool:
    """Whether a command is about a photo."""
    return turn.asked.number("backupnum") == PHOTO


def is_whole_user(value: object, turn: Turn) -> bool:
    """Whether a command deletes all of a person."""
    return turn.asked.number("backupnum") == WHOLE_USER


def keep_nothing(value: str, turn: Turn, obey: Obey) -> Answer:
    """Answer as if it were done; all people are as they were before."""
    before = _people_of(turn.asked)
    answer = obey()
    turn.asked.memory.restore(before)
    return replace(answer, kept=False) if isinstance(answer, Done) else answer


def keep_no_face(value: object, turn: Turn, obey: Obey) -> Answer:
    """Keep the photo, from which no face could be built: nobody is recognised by it."""
    answer = obey()
    user = turn.asked.memory.users.get(turn.asked.number("enrollid") or 0)
    backupnum = turn.asked.number("backupnum")
    if isinstance(answer, Done) and user is not None and backupnum in user.credentials:
        user.unusable.add(backupnum)
    return answer


def refuse_photo(value: int, turn: Turn, obey: Obey) -> Answer:
    """Do nothing and say why the photo is not good enough (protocol §3.8)."""
    return Refused(value, REFUSALS.get(value, "can not decode"))


def leave_some(value: str, turn: Turn, obey: Obey) -> Answer:
    """Deleting everything leaves the photo, or all that is of the body (protocol §3.1)."""
    enrollid = turn.asked.number("enrollid") or 0
    before = _people_of(turn.asked).get(enrollid)
    answer = obey()
    if before is not None and isinstance(answer, Done):
        left = {slot: record for slot, record in before.credentials.items() if _stays(value, slot)}
        turn.asked.memory.restore({enrollid: replace(before, credentials=left) if left else None})
    return answer


def take_scans(value: int | str, turn: Turn, obey: Obey) -> Answer:
    """Let the enrolment that begins take so many scans, never come to anything, or fail."""
    turn.asked.memory.next_scans = value
    answer = obey()
    turn.asked.memory.next_scans = None
    return answer


def _people_of(asked: Asked) -> dict[int, User | None]:
    """Copies of the people whom a command is about, as they are now; None for those who are not there."""
    named = [asked.command, *asked.records()]
    enrollids = [enrollid for one in named if (enrollid := whole(one.get("enrollid"))) is not None]
    users = asked.memory.users
    found = {enrollid: users.get(enrollid) for enrollid in enrollids or list(users)}
    return {enrollid: None if user is None else user.copy() for enrollid, user in found.items()}


def _stays(value: str, backupnum: int) -> bool:
    if value == "photo":
        return backupnum == PHOTO
    return kind_of(backupnum) in ("fp", "face", "palm")
