"""Reasons that the API gives in English, as people read them in their language.

Each phrase is as its source writes it, with a slot for what is put in: a test finds them all there. What is
not among them stays English, and says so to screen readers.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import Final, TypeVar

from markupsafe import Markup

from tfserver.web.dashboard.languages import SOURCE, Language, mark
from tfserver.web.dashboard.refusal_phrases import REFUSALS

MOST_TEXT: Final = 500
"""Longer ones are looked for nowhere."""
MOST_DEEP: Final = 3
"""Reasons have reasons."""

COMPLETENESS: Final = (
    mark("not established"),
    mark("its log memory was full: the oldest records may have been overwritten before they were read"),
    mark("records that were read before are gone from its memory: others may have been deleted with them"),
    mark("it waits for approval: nothing that it records is taken yet"),
    mark("it is denied: nothing that it records is taken"),
    mark("it is in quarantine: nothing that it records is taken"),
    mark("%(away)s; when its logs were asked for last: %(why)s"),
    mark("it is not connected since %(time)s"),
    mark("it has not connected since it is approved"),
    mark("records since %(day)s may be missing: its logs are read, or that was cut short"),
    mark("its logs were never read yet: that begins some time after it registered"),
    mark("its logs were read at %(time)s; the next reading brings the mark further"),
    mark("it does not answer %(word)s"),
    mark("it refuses %(word)s: %(why)s"),
    mark("its logs came, but perhaps not all of them: %(word)s did not come to its end for certain"),
    mark(
        "several of its records came under one time, so its clock may have stood still; that "
        "is forgotten when it registers anew"
    ),
    mark("nobody has confirmed its time zone: set it, and the next reading counts"),
    mark("its clock is not known: it told no time when it registered, and does not answer gettime"),
    mark("its clock was wrong by %(time)s: only a reading after it was set right counts"),
)
"""Until when a terminal's record is complete, and why not later."""
ORDERS: Final = (
    mark("the terminal refused: %(why)s"),
    mark("no reason given"),
    mark("reason %(number)s"),
    mark("the image is too big"),
    mark("there is no face in it"),
    mark("there is more than one face in it"),
    mark("the picture is too wide or too high"),
    mark("the face is too large"),
    mark("the face is too small"),
    mark("the quality is poor"),
    mark("the face is cut off or turned"),
    mark("the face is enrolled already"),
    mark("no reply in time"),
    mark("the connection was lost after it was sent"),
    mark("nothing was deleted: %(why)s"),
    mark("its logs could not be read: %(why)s"),
    mark("its logs could not be read to their end: %(why)s"),
    mark("its logs could not be read to their end for certain"),
    mark("its seconds were over before all logs were read; nothing was deleted"),
    mark("can't be carried out any more: %(why)s"),
    mark("it was sent before the store forgot it"),
    mark("the terminal did not show a sign of life before the order's seconds were over"),
    mark("its seconds were over before it was sent"),
    mark("a list was not read to its end: %(why)s"),
    mark("it was cut short"),
    mark("the terminal's answer can't be read"),
    mark("it waited until its seconds were over"),
    mark("the process or the connection that sent it is gone, and no answer was seen"),
    mark("the store failed over after it was put, and may not know whether it was sent and done before that"),
    mark("the terminal was deleted"),
    mark("taken back by %(who)s"),
)
"""How orders ended."""
PLACING: Final = (
    mark("no credential that fits"),
    mark("nobody can have this number"),
    mark("its name can't be told: %(why)s"),
    mark("its access names a week zone beyond %(number)s"),
    mark("its access names a lock group beyond %(number)s"),
    mark("no terminal deletes a %(what)s alone"),
    mark("another credential was made there in this slot"),
    mark("missing"),
    mark("not known whether it arrived"),
    mark("nobody knows which one is there"),
    mark("another one is there"),
    mark("what stands there is not known"),
    mark("has another name there"),
    mark("its name there is not known"),
    mark("has another admin level there"),
    mark("its admin level is told with a credential only, and none can be put"),
    mark("may always pass"),
    mark("may pass at other times there"),
    mark("may not pass always"),
    mark("nobody knows who has this number there"),
    mark("nobody can learn who has this number there: it has no credential"),
    mark("somebody else has this number there"),
    mark("somebody with another name has this number there"),
    mark("nobody wants it here"),
    mark("does not belong here"),
    mark("has nothing here any more"),
    mark("nobody has defined what backupnum %(number)s is"),
    mark("it does not say that it takes %(what)s"),
    mark("it takes no %(what)s"),
    mark("the photo has about %(size)s bytes, and it takes %(most)s"),
    mark("the algorithm %(whose)s is not known"),
    mark("of the template"),
    mark("of the terminal"),
    mark("made with %(one)s, and it reads %(other)s"),
    mark("made by %(one)s, and this is %(other)s"),
    mark("its list was never read"),
    mark("its list was never read: %(why)s"),
    mark("its list is as read at %(time)s: %(why)s"),
    mark("its list could not be read: %(why)s"),
    mark("it is not online"),
    mark("it is not registered any more"),
    mark("afterwards it has no administrator: its menu is open to everybody"),
    mark("it is offline: goes on when it is back"),
    mark("it left %(count)s orders in a row unanswered: tried again later"),
    mark("waits until another plan, or a restoration, is through with this terminal"),
    mark("somebody stopped the plan"),
    mark("changed since the plan"),
    mark("this server did not put it there"),
    mark("ordered in place of another"),
    mark("accepted, not read back yet"),
    mark("accepted in place of another, not read back yet"),
    mark("accepted, and not read back any more"),
    mark("and the terminal has it so"),
    mark("refused together with others: once more alone"),
    mark("said true and did not keep it"),
    mark("no answer came"),
    mark("is not there"),
    mark("it is there by now"),
    mark("has that name by now"),
    mark("is so by now"),
    mark("it could not be sent"),
    mark("taken back before it was said"),
    mark("it waited until its time was over"),
    mark("the terminal refused it"),
    mark("the terminal said true, and could not be asked whether it kept it"),
)
"""What plans say of people and terminals."""
BRINGING: Final = (
    mark("nobody enrolled in time"),
    mark("the terminal was not there in time"),
    mark("the terminal did not say whether it stopped: whoever enrols there now, it keeps"),
    mark("the terminal waits for the person"),
    mark("somebody with another name has this number at the terminal"),
    mark("the terminal says that it is finished, and has nothing new in this slot"),
    mark("the terminal has it, and it could not be read back"),
    mark("the person is being erased: nothing is kept of it"),
    mark("the enrolment failed: %(why)s"),
    mark("scan %(number)s is done"),
    mark("the terminal has it; it is being read back"),
    mark("in the directory, as it was read back"),
    mark("the archive remembers the erasure"),
    mark("orders about it that are not over: %(count)s"),
    mark("orders that keep the number only: %(count)s"),
    mark("one goes on"),
    mark("enrolments forgotten: %(count)s"),
    mark("snapshots that had it: %(count)s"),
    mark("imports from before that are not over: %(count)s"),
    mark("records about it forgotten: %(count)s"),
    mark("the archive does not have all punches yet"),
    mark("pictures deleted: %(count)s"),
    mark("terminals known to have it, now without its name: %(count)s"),
    mark("the terminal was deleted here: whether it has the person still is not known"),
    mark("it told of the person again"),
    mark("it was there, with %(count)s credentials"),
    mark("it was not there"),
    mark("destroyed: what was sealed under it opens nowhere any more"),
    mark("there was none"),
)
"""What enrolments and erasures say."""
PHRASES: Final = (*COMPLETENESS, *ORDERS, *PLACING, *BRINGING, *REFUSALS)
SLOT: Final = re.compile(r"%\((\w+)\)s")
FIRST_STRONG_ISOLATE: Final = "\u2068"
POP_ISOLATE: Final = "\u2069"
"""Between them text has a direction of its own (Unicode UAX 9)."""

T = TypeVar("T", bound=str)


def said(shown: Language, text: str) -> Markup:
    """A reason in a language, of its own direction amid other text."""
    if shown.code == SOURCE:
        return Markup("<bdi>{}</bdi>").format(text)
    return Markup("<bdi>{}</bdi>").format(_translated(shown, text, Markup, _marked))


def worded(shown: Language, text: str) -> str | None:
    """The same as plain text; None when nobody has put it into words of that language."""
    if shown.code == SOURCE:
        return text
    return None if _found(text) is None else _translated(shown, text, str, _isolated)


def _marked(text: str) -> Markup:
    return Markup('<bdi lang="en" dir="ltr">{}</bdi>').format(text)


def _isolated(text: str) -> str:
    return f"{FIRST_STRONG_ISOLATE}{text}{POP_ISOLATE}"


def _translated(shown: Language, text: str, kind: type[T], left: Callable[[str], T], depth: int = 0) -> T:
    """``left`` makes of ``kind`` what stays English."""
    found = _found(text) if depth < MOST_DEEP else None
    if found is None:
        return left(text)
    phrase, slots = found
    filled = {name: _translated(shown, value, kind, left, depth + 1) for name, value in slots.items()}
    return kind(kind(shown.texts.gettext(phrase)) % filled)


@functools.lru_cache(2048)
def _found(text: str) -> tuple[str, dict[str, str]] | None:
    """The phrase that a text is, and what stands in its slots."""
    if len(text) > MOST_TEXT:
        return None
    if text in PHRASES:
        return text, {}
    for phrase, pattern in _patterns():
        if fits := pattern.fullmatch(text):
            return phrase, fits.groupdict()
    return None


@functools.cache
def _patterns() -> tuple[tuple[str, re.Pattern[str]], ...]:
    """Phrases with slots, those first of which more stands fast."""
    slotted = sorted(filter(SLOT.search, PHRASES), key=lambda phrase: -len(SLOT.sub("", phrase)))
    return tuple((phrase, _pattern(phrase)) for phrase in slotted)


def _pattern(phrase: str) -> re.Pattern[str]:
    fixed, names = SLOT.split(phrase)[::2], SLOT.findall(phrase)
    slots = [f"(?P<{name}>.+?)" for name in names] + [""]
    return re.compile("".join(re.escape(part) + slot for part, slot in zip(fixed, slots, strict=True)))
