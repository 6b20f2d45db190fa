"""Why nothing is arriving from a terminal, in one sentence: cases in order, the first that fits is told."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from tfserver.model import Admission, Clock, Terminal
from tfserver.store.proven import Proof
from tfserver.web.dashboard.languages import mark

SILENT: Final = timedelta(minutes=15)
"""Who is connected says something more often than that."""
QUIET: Final = timedelta(hours=24)
"""On most days somebody comes."""
NEARLY_FULL: Final = 95
"""Percent of the memory of records; some models record no more when it is full."""


class Facts(NamedTuple):
    """What the answer is computed from. ``claims`` are devices that want to be this terminal and are kept
    out; ``unready`` says why this server takes no punch."""

    terminal: Terminal
    proof: Proof
    now: datetime
    claims: int = 0
    unready: str | None = None


class Told(NamedTuple):
    """What stands in a sentence: an instant (RFC 3339), words, a number."""

    at: str = ""
    what: str = ""
    number: int = 0


class Case(NamedTuple):
    """One answer: how bad it is, when it is the one, the sentence, and what to do."""

    name: str
    kind: str
    fits: Callable[[Facts], Told | None]
    sentence: str
    advice: str = ""


class Why(NamedTuple):
    """The answer for one terminal at one moment."""

    case: Case
    told: Told


def _admission(wanted: Admission) -> Callable[[Facts], Told | None]:
    return lambda facts: Told() if facts.terminal.admission is wanted else None


def _twins(facts: Facts) -> Told | None:
    twins = facts.terminal.twins
    return None if twins is None else Told(what=", ".join(twins.sources))


def _claimed(facts: Facts) -> Told | None:
    is_away = not facts.terminal.online
    return Told(number=facts.claims) if facts.claims and is_away else None


def _unready(facts: Facts) -> Told | None:
    return None if facts.unready is None else Told(what=facts.unready)


def _never(facts: Facts) -> Told | None:
    return None if facts.terminal.online or facts.terminal.last_frame else Told()


def _offline(facts: Facts) -> Told | None:
    return None if facts.terminal.online else Told(at=facts.terminal.last_frame or "")


def _disabled(facts: Facts) -> Told | None:
    return Told() if facts.proof.is_disabled else None


def _full(facts: Facts) -> Told | None:
    log = facts.terminal.capacity.get("log")
    if log is None or not log.size:
        return None
    percent = 100 * log.used // log.size
    return Told(number=min(percent, 100)) if percent >= NEARLY_FULL else None


def _frozen(facts: Facts) -> Told | None:
    return Told() if facts.proof.is_frozen else None


def _suspect(facts: Facts) -> Told | None:
    off = facts.terminal.clock_offset_ms
    if facts.terminal.clock is not Clock.SUSPECT or off is None:
        return None
    return Told(number=round(off / 1000))


def _silent(facts: Facts) -> Told | None:
    return _long_ago(facts.terminal.last_frame, facts.now, SILENT)


def _nobody(facts: Facts) -> Told | None:
    return None if facts.terminal.last_punch else Told(at=facts.terminal.connected_at or "")


def _quiet(facts: Facts) -> Told | None:
    return _long_ago(facts.terminal.last_punch, facts.now, QUIET)


def _well(facts: Facts) -> Told | None:
    return Told(at=facts.terminal.last_punch or "")


def _long_ago(instant: str | None, now: datetime, than: timedelta) -> Told | None:
    if instant is None or now - datetime.fromisoformat(instant) < than:
        return None
    return Told(at=instant)


CASES: Final = (
    Case(
        "pending", "warn", _admission(Admission.PENDING),
        mark("Nothing arrives because it waits for approval: nothing that it records is taken yet."),
        mark("Approve it under Settings if it is yours. It sends what it has recorded meanwhile."),
    ),
    Case(
        "denied", "bad", _admission(Admission.DENIED),
        mark("Nothing arrives because somebody denied it: nothing that it records is taken."),
        mark("Approve it under Settings if that was a mistake."),
    ),
    Case(
        "quarantined", "bad", _admission(Admission.QUARANTINED),
        mark("Nothing arrives because it is in quarantine: it is not the device that was approved."),
        mark("Approve the device on the page of the fleet only if you replaced it."),
    ),
    Case(
        "twins", "bad", _twins,
        mark("Two devices say that they are this terminal, at %(what)s: only one of them is heard."),
        mark("Give one of the two another serial number, or switch it off."),
    ),
    Case(
        "unready", "bad", _unready,
        mark("Nothing arrives from any terminal because this server can't keep punches now: %(what)s"),
        mark("Terminals keep their records and send them as soon as that is mended."),
    ),
    Case(
        "claimed", "bad", _claimed,
        mark("It is away, and another device under its number is kept out."),
        mark("If you replaced the device, approve the new one on the page of the fleet."),
    ),
    Case(
        "never", "warn", _never,
        mark("Nothing arrives because it has never connected."),
        mark("Enter this server's address and port in the terminal's menu, under Comm. set, Server."),
    ),
    Case(
        "offline", "bad", _offline,
        mark("Nothing arrives because it is not connected; it was last heard %(time)s."),
        mark("Look at its power and network, and the server's address in its menu. It keeps its records."),
    ),
    Case(
        "silent", "warn", _silent,
        mark("It is connected but has said nothing since %(time)s."),
        mark("Its line may be dead without either side having noticed. If it stays so, start it anew."),
    ),
    Case(
        "frozen", "bad", _frozen,
        mark("Punches arrive, but several came under one time: its clock stands still."),
        mark("Set its time. If that does not help, its battery or its clock is broken."),
    ),
    Case(
        "suspect", "warn", _suspect,
        mark("Punches arrive, but with doubtful times: its clock was %(count)s s off when it connected."),
        mark("It was set right when it connected. If that comes again, look at its battery and time zone."),
    ),
    Case(
        "disabled", "bad", _disabled,
        mark("Nothing arrives because it is disabled: people can't use it."),
        mark("Send it the command enabledevice under Orders."),
    ),
    Case(
        "full", "warn", _full,
        mark("Its memory for records is %(count)s%% full: when it is full, some models record no more."),
        mark("As soon as everything is proven to be here, it may be emptied with cleanlog under Orders."),
    ),
    Case(
        "nobody", "warn", _nobody,
        mark("It is connected since %(time)s, and nobody has punched there yet."),
        mark("Punch once to see it arrive here."),
    ),
    Case(
        "quiet", "warn", _quiet,
        mark("It is connected, and the last punch came %(time)s: nobody used it since, as far as it tells."),
        mark("Punch once to see it arrive here, or fetch its new records with getnewlog under Orders."),
    ),
    Case("well", "good", _well, mark("All is well: the last punch came %(time)s.")),
)  # fmt: skip
"""The last one always fits."""


def why(facts: Facts) -> Why:
    """The first case that fits."""
    for case in CASES:
        told = case.fits(facts)
        if told is not None:
            return Why(case, told)
    raise AssertionError("one of the cases fits whatever the facts are")
