"""The moods of simulated terminals: answers that real ones give and the documents do not, as data.

A mood is written ``KIND[=VALUE][*TIMES][:WORD]``, several with commas between: ``silent:getnewlog`` never
answers that word, ``late=3`` answers every command after three seconds, ``drops=2*1:getalllog`` closes the
connection once, when the third page is asked for.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from tfserver.simulator.acts import (
    Act,
    Form,
    Turn,
    after_a_page,
    after_pages,
    always,
    count_nothing,
    count_page,
    drop,
    keep_silent,
    lose_cursor,
    refuse,
    repeat,
    say_cmd,
    say_other,
    say_rubbish,
)
from tfserver.simulator.enrolment import FAILS, NEVER
from tfserver.simulator.lies import (
    is_face,
    is_meant,
    is_photo,
    is_whole_user,
    keep_no_face,
    keep_nothing,
    leave_some,
    refuse_photo,
    take_scans,
)
from tfserver.simulator.memory import Memory
from tfserver.simulator.paging import PAGED

FORM = "KIND[=VALUE][*TIMES][:WORD]"
_FORM = re.compile(r"([a-z-]+)(?:=([^=,:*]+))?(?:\*([0-9]{1,9}))?(?::([a-z0-9]+))?")
_WORD = re.compile(r"[a-z][a-z0-9]*")


class MoodError(ValueError):
    """A text that names no mood; it says what was expected."""


@dataclass(frozen=True, slots=True)
class Mood:
    """How a terminal takes the commands of one word, or of all; ``times``: it wears off after so many."""

    kind: str
    value: Any
    word: str | None = None
    times: float = math.inf


@dataclass(frozen=True, slots=True)
class Kind:
    """One row of `KINDS`: what a mood means, how its value is read, what it does.

    ``read`` gets an empty text when there is no value, and raises ValueError for what does not fit.
    """

    meaning: str
    read: Callable[[str], Any]
    expected: str = "no value"
    paged: bool = False
    """Whether it is about lists that are read page by page only."""
    only: frozenset[str] = frozenset()
    """The words that it is about, when it is not about any."""
    pushes: bool = True
    """Whether the terminal still pushes logs; a mood that says no is not about commands."""
    acts: Callable[[Any, Turn], bool] = always
    act: Act | None = None
    form: Form | None = None
    between: Callable[[Any, Memory], None] | None = None
    delay: Callable[[Any], float] | None = None


def read_moods(text: str) -> tuple[Mood, ...]:
    """The moods of an option, such as ``silent:getnewlog,late=3``; MoodError says what is wrong."""
    return tuple(_read_mood(part.strip()) for part in text.split(","))


def describe_moods() -> str:
    """One line for each kind of mood, for the help of the option."""
    return "\n".join(f"{name}: {kind.meaning}" for name, kind in KINDS.items())


def _read_mood(text: str) -> Mood:
    found = _FORM.fullmatch(text)
    if found is None:
        raise MoodError(f"mood {text!r}: {FORM} expected, as in late=3:setuserinfo")
    name, value, times, word = found.groups()
    if name not in KINDS:
        raise MoodError(f"mood {text!r}: there is no {name!r}, only {', '.join(KINDS)}")
    kind = KINDS[name]
    fault = _fault(kind, word, times)
    if fault:
        raise MoodError(f"mood {text!r}: {fault}")
    try:
        return Mood(name, kind.read(value or ""), word, math.inf if times is None else int(times))
    except ValueError as error:
        raise MoodError(f"mood {text!r}: {kind.expected} expected after '='") from error


def _fault(kind: Kind, word: str | None, times: str | None) -> str:
    """What does not go together."""
    if kind.paged and word is not None and word not in PAGED:
        return f"{word} is not read page by page, only {', '.join(sorted(PAGED))} are"
    if kind.only and word is not None and word not in kind.only:
        return f"it is about {', '.join(sorted(kind.only))} only"
    if not kind.pushes and (word is not None or times is not None):
        return "it is not about commands, so it takes no word and no times"
    return "it would never act" if times is not None and int(times) == 0 else ""


def _nothing(text: str) -> None:
    if text:
        raise ValueError(text)


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 < seconds < math.inf:
        raise ValueError(text)
    return seconds


def _reason(text: str) -> int | str:
    return int(text or 1) if not text or text.isdecimal() else text


def _word(text: str) -> str:
    if text and not _WORD.fullmatch(text):
        raise ValueError(text)
    return text


def _scans(text: str) -> int | str:
    if text in (NEVER, FAILS):
        return text
    scans = int(text)
    if not 1 <= scans < 100:
        raise ValueError(text)
    return scans


def _photo_reason(text: str) -> int:
    """5, "no face", when none is given."""
    return int(text or 5)


def _number(least: int) -> Callable[[str], int]:
    """A reader of whole numbers from ``least`` on, which is also the number when none is given."""

    def read(text: str) -> int:
        """Read one."""
        number = int(text or least)
        if number < least:
            raise ValueError(text)
        return number

    return read


def _one_of(*choices: str) -> Callable[[str], str]:
    """A reader of these texts, the first of which is also taken when none is given."""

    def read(text: str) -> str:
        """Read one."""
        if text and text not in choices:
            raise ValueError(text)
        return text or choices[0]

    return read


_SETS: Final = frozenset({"setuserinfo"})
_CHANGES: Final = frozenset(
    {"setuserinfo", "deleteuser", "setusername", "setuserlock", "deleteuserlock", "enableuser"}
    | {"setuserprofile", "cleanuser", "cleanadmin", "cleanuserlock"}
)

KINDS: Mapping[str, Kind] = {
    "no-stop": Kind(
        "count is 0 on every page (protocol §6.1, quirk 25)", _nothing, paged=True, act=count_nothing
    ),
    "page-count": Kind(
        "count is the length of the page, not the total (protocol §6.1)", _nothing, paged=True, act=count_page
    ),
    "repeats": Kind(
        "after the first page (=K: after K pages) it sends the page before again",
        _number(1),
        "a number of pages from 1 on",
        paged=True,
        acts=after_a_page,
        act=repeat,
    ),
    "loses-cursor": Kind(
        "another command between two pages makes the list begin again (=empty: end with an empty page)",
        _one_of("restart", "empty"),
        "restart or empty",
        paged=True,
        between=lose_cursor,
    ),
    "false": Kind(
        "does nothing and answers result:false (=REASON: a number or text, else 1)", _reason, act=refuse
    ),
    "keeps-nothing": Kind(
        "says true to changes of people and changes nothing (=KIND: only fp, card, pwd, face or palm)",
        _one_of("", "fp", "card", "pwd", "face", "palm"),
        "fp, card, pwd, face or palm",
        only=_CHANGES,
        acts=is_meant,
        act=keep_nothing,
    ),
    "no-face": Kind(
        "keeps a photo or face, but nobody is recognised by it (protocol §7, quirk 26)",
        _nothing,
        only=_SETS,
        acts=is_face,
        act=keep_no_face,
    ),
    "refuses-photo": Kind(
        "refuses photos (=REASON of protocol §3.8, else 5)",
        _photo_reason,
        "a number",
        only=_SETS,
        acts=is_photo,
        act=refuse_photo,
    ),
    "leaves": Kind(
        "deleteuser with 13 leaves the photo (=biometrics: fingers, faces and palms too)",
        _one_of("photo", "biometrics"),
        "photo or biometrics",
        only=frozenset({"deleteuser"}),
        acts=is_whole_user,
        act=leave_some,
    ),
    "scans": Kind(
        "adduser takes =N scans, one a second or one a question (=never: nobody comes, =fails: unreadable)",
        _scans,
        "a number of scans from 1 to 99, never or fails",
        only=frozenset({"adduser"}),
        act=take_scans,
    ),
    "silent": Kind(
        "does nothing and never answers (=obeys: does it and never answers)",
        _one_of("nothing", "obeys"),
        "nothing or obeys",
        act=keep_silent,
    ),
    "drops": Kind(
        "does it, but closes the connection instead of answering (=K: after K answers, or pages of a list)",
        _number(0),
        "a number of answers",
        acts=after_pages,
        act=drop,
    ),
    "wrong": Kind(
        "answers another word (=WORD: that one; =enrollid: the right one, for another enrollid)",
        _word,
        "a word, or enrollid,",
        form=say_other,
    ),
    "cmd-for-ret": Kind("answers with cmd where ret belongs (protocol §1.3)", _nothing, form=say_cmd),
    "rubbish": Kind(
        "answers unreadable JSON (=maybe: result is neither true nor false; =no-result: there is none)",
        _one_of("unreadable", "maybe", "no-result"),
        "unreadable, maybe or no-result",
        form=say_rubbish,
    ),
    "late": Kind(
        "does it at once and answers =N seconds later",
        _seconds,
        "a number of seconds above 0",
        delay=lambda seconds: float(seconds),
    ),
    "hoards": Kind("never pushes logs; they wait for getnewlog (protocol §6.4)", _nothing, pushes=False),
}
"""Every kind of mood by its name. Acts stand around each other in this order, the last outermost."""
