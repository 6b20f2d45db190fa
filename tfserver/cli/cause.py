"""Why nothing of a terminal appears, in one sentence: rules in the order in which causes hide each other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from tfserver.cli.diagnosis import MENU, NO_PUNCH, SILENT
from tfserver.cli.findings import ATTENTION, OK, WRONG, Finding, ago
from tfserver.cli.output import Row
from tfserver.model import SUSPECT_DRIFT_MS

SHORT_VISIT: Final = timedelta(seconds=15)
RECENT: Final = timedelta(hours=1)
DAY: Final = timedelta(days=1)
_LOG: Final = "sendlog"
_SIGNS_OF_LIFE: Final = frozenset({"reg", "heartbeat", "checklive"})
_REFUSALS: Final = {
    "Waiting for approval": "tfserver terminals approve {sn}",
    "Denied by the server": "if it may come in: tfserver terminals approve {sn}",
    "Not on the allow list": "add it to admission.allowlist, or choose another admission.policy",
    "Not from this network": "it is in a network that is not its site's: see admission.networks",
    "Wrong path": "enter the path of 'tfserver terminals path {sn}' into it, or take it away with --remove",
    "Serial number in use by another terminal": "find the other one; a new main board is approved by "
    "'tfserver terminals approve {sn}'",
    "Server can't take more terminals": "approve or deny some, or raise admission.most_pending",
    "Server busy, try again later": "the store is away or slow: see above and the server's log",
    "serial number not accepted": "set a serial number of 1 to 32 letters, digits, '.', '_' or '-'",
}
"""What a terminal is told on its screen, and what to do about it."""


@dataclass
class Seen:
    """All that is known: the terminal (None: it never registered), what the flight recorder remembers, failed
    handshakes, punches of the last days, and records in the quarantine."""

    sn: str
    now: datetime
    terminal: Row | None = None
    frames: Sequence[Row] = ()
    handshakes: Sequence[Row] = ()
    punches: Sequence[Row] = ()
    quarantined: Sequence[Row] = ()
    visits: list[Visit] = field(init=False)

    def __post_init__(self) -> None:
        self.visits = visits(self.frames)

    def said(self, direction: str, word: str) -> list[Row]:
        """Messages of one way and word within the last hour."""
        return [
            frame
            for frame in self.frames
            if (frame["direction"], frame["word"]) == (direction, word) and self.since(frame["at"]) < RECENT
        ]

    def since(self, when: str) -> timedelta:
        """How long something is over."""
        return self.now - datetime.fromisoformat(when)


class Visit(NamedTuple):
    """A connection that has ended: how long it lasted, who ended it and why."""

    lasted: timedelta
    by: str
    why: str


Rule = Callable[[Seen], Finding | None]


def cause(seen: Seen) -> Finding:
    """The first rule that has something to say."""
    return next(found for rule in RULES if (found := rule(seen)) is not None)


def visits(frames: Sequence[Row]) -> list[Visit]:
    """The connections that have ended, the oldest first."""
    began = {frame["connection"]: frame["at"] for frame in frames if frame["word"] == "connected"}
    found = []
    for frame in frames:
        if frame["direction"] == "event" and frame["word"] == "closed" and frame["connection"] in began:
            lasted = datetime.fromisoformat(frame["at"]) - datetime.fromisoformat(began[frame["connection"]])
            content = frame["content"]
            found.append(Visit(lasted, str(content.get("by")), str(content.get("why") or "")))
    return found


def _said(state: str, said: str, advice: str = "") -> Finding:
    return Finding("cause", state, said, advice)


def _refused(seen: Seen) -> Finding | None:
    """It registers, and its last registration was refused."""
    answers = [frame for frame in seen.frames if (frame["direction"], frame["word"]) == ("out", "reg")]
    if not answers or answers[-1]["result"] is not False:
        return None
    reason = str(answers[-1]["content"].get("reason"))
    advice = _REFUSALS.get(reason, "see the server's log").format(sn=seen.sn)
    if reason == "Waiting for approval":
        return _said(WRONG, "it registers and is refused: it waits for approval", advice)
    return _said(WRONG, f"it registers and is refused: it is told '{reason}'", advice)


def _not_admitted(seen: Seen) -> Finding | None:
    """It is not approved, whether it is here now or not."""
    if seen.terminal is None or seen.terminal["admission"] == "approved":
        return None
    told = {"pending": "it waits for approval", "denied": "somebody denied it"}
    word = seen.terminal["admission"]
    return _said(WRONG, told.get(word, f"it is {word}"), f"tfserver terminals approve {seen.sn}")


def _twins(seen: Seen) -> Finding | None:
    """Two devices take its number from each other."""
    twins = (seen.terminal or {}).get("twins")
    if not twins:
        return None
    where = " and ".join(dict.fromkeys(twins["sources"]))
    said = f"two devices have this number and take the connection from each other, at {where}"
    return _said(
        WRONG, said, f"switch one off or give it another number; until {twins['until']} one is heard"
    )


def _unknown(seen: Seen) -> Finding | None:
    """It never registered: perhaps its handshakes fail."""
    if seen.terminal is not None:
        return None
    failed = _handshake(seen, None)
    return failed or _said(WRONG, f"{seen.sn} has never said here who it is", MENU)


def _handshake(seen: Seen, address: str | None) -> Finding | None:
    recent = [row for row in seen.handshakes if seen.since(row["last"]) < RECENT]
    for row in recent if address is None else [row for row in recent if row["address"] == address]:
        whose = "its address" if address else "an address that may be its own"
        said = f"from {whose}, {row['address']}, connections come that never become a WebSocket: {row['why']}"
        return _said(WRONG, said, "compare URL, port and TLS in its menu with those of the server")
    return None


def _leaves(seen: Seen) -> Finding | None:
    """It comes, and is gone again within seconds, again and again."""
    short = [visit for visit in seen.visits[-3:] if visit.lasted < SHORT_VISIT]
    if len(short) < 2 or (seen.terminal is not None and seen.terminal["online"] and len(short) < 3):
        return None
    last, seconds = short[-1], short[-1].lasted.total_seconds()
    if last.by == "server":
        said = f"it connects and is cut off after {seconds:.0f} s: {last.why}"
        return _said(WRONG, said, "the server's log tells more; are two devices under this number?")
    said = f"it connects and leaves again after {seconds:.0f} s, {len(short)} times in a row"
    return _said(WRONG, said, f"a proxy's time-out, bad Wi-Fi, or firmware that wants more: frames {seen.sn}")


def _offline(seen: Seen) -> Finding | None:
    """It is not here."""
    terminal = seen.terminal
    if terminal is None or terminal["online"]:
        return None
    addresses = [frame["address"] for frame in seen.frames if frame["address"]]
    failed = _handshake(seen, addresses[-1]) if addresses else None
    if failed is not None:
        return failed
    heard = terminal["last_frame"]
    since = f"heard last {ago(heard, seen.now)}" if heard else "not heard since it is approved"
    return _said(WRONG, f"it is offline, {since}", f"has it power and network? Else {MENU}")


def _not_kept(seen: Seen) -> Finding | None:
    """It pushes, and its last batch was not acknowledged."""
    answers = seen.said("out", _LOG)
    refused = [answer for answer in answers if answer["result"] is False]
    if not refused or answers[-1]["result"] is not False:
        return None
    said = f"it pushes punches, but {len(refused)} of the last {len(answers)} batches were refused"
    why = (
        "the store did not confirm them, or the quarantine is full: see below. It keeps them and comes again"
    )
    return _said(WRONG, said, why)


def _clock(seen: Seen) -> Finding | None:
    """Its clock is so far off that its punches stand where nobody looks."""
    off = (seen.terminal or {}).get("clock_offset_ms")
    if off is None or abs(off) < SUSPECT_DRIFT_MS:
        return None
    way = "ahead" if off > 0 else "behind"
    said = f"its clock was {_long(abs(off) / 1000)} {way}, so its punches are dated {_dated(off)}"
    advice = f"is its time zone right here? 'tfserver send {seen.sn} settime' sets it; else its battery"
    return _said(ATTENTION, said, advice)


def _quarantined(seen: Seen) -> Finding | None:
    """Nothing is kept of it but what could not be read."""
    bad = [row for row in seen.quarantined if row.get("kind") != "repeat"]
    if not bad or _came(seen):
        return None
    why = Counter(str(row.get("why")) for row in bad).most_common(1)[0][0]
    said = f"{len(bad)} of its records are in the quarantine: {why}"
    return _said(WRONG, said, "GET /api/v1/quarantine shows them; a profile for its model may help")


def _well(seen: Seen) -> Finding | None:
    """Punches come."""
    came = _came(seen)
    if not came:
        return None
    newest = max(came, key=lambda punch: str(punch["received"]))
    count = f"{len(came)} records" if len(came) != 1 else "1 record"
    said = f"{count} of it were acknowledged within a day, the newest ({newest['device_time']})"
    advice = ""
    bad = [row for row in seen.quarantined if row.get("kind") != "repeat"]
    if bad:
        advice = f"{len(bad)} more are in the quarantine: GET /api/v1/quarantine"
    return _said(OK, f"{said} {ago(newest['received'], seen.now)}", advice)


def _silent(seen: Seen) -> Finding | None:
    """It is connected, and nothing comes at all."""
    heard = (seen.terminal or {}).get("last_frame")
    if not heard or seen.since(heard) <= SILENT:
        return None
    said = f"it is connected, but nothing has come from it for long: heard last {ago(heard, seen.now)}"
    return _said(ATTENTION, said, "restart it: some stop to talk")


def _only_alive(seen: Seen) -> Finding | None:
    """It talks, but of no punches."""
    last = (seen.terminal or {}).get("last_punch")
    if last and seen.since(last) < NO_PUNCH:
        return None
    pushed = [frame for frame in seen.frames if (frame["direction"], frame["word"]) == ("in", _LOG)]
    if pushed:
        said = "it pushes only records that are known here already: nothing new was recorded on it"
        return _said(ATTENTION, said, "did anybody punch? Let somebody do it and look again")
    words = {frame["word"] for frame in seen.frames if frame["direction"] == "in"}
    alive = "only signs of life" if words <= _SIGNS_OF_LIFE else "no punches"
    said = f"it is connected and sends {alive}: is real-time upload off, or did nobody punch?"
    advice = f"let somebody punch; see its menu; 'tfserver backfill {seen.sn} --from DAY --to DAY' fetches"
    return _said(ATTENTION, said, advice)


def _nothing_wrong(seen: Seen) -> Finding:
    """Nothing is known that would be wrong."""
    last = (seen.terminal or {}).get("last_punch")
    told = f": its last punch came {ago(last, seen.now)}" if last else ""
    return _said(OK, f"nothing is wrong with it{told}")


RULES: Final[tuple[Rule, ...]] = (
    _twins,
    _refused,
    _unknown,
    _not_admitted,
    _leaves,
    _offline,
    _not_kept,
    _clock,
    _quarantined,
    _well,
    _silent,
    _only_alive,
    _nothing_wrong,
)
"""What is asked first hides what is asked later."""


def _came(seen: Seen) -> list[Row]:
    return [punch for punch in seen.punches if seen.since(punch["received"]) < DAY]


def _long(seconds: float) -> str:
    if seconds >= 2 * 86_400:
        return f"{seconds / 86_400:.0f} days"
    return f"{seconds / 3600:.0f} h" if seconds >= 5400 else f"{seconds / 60:.0f} min"


def _dated(off_ms: float) -> str:
    """Where the punches stand that people look for."""
    if abs(off_ms) >= 86_400_000:
        return "on other days"
    return "later than they were" if off_ms > 0 else "earlier than they were, perhaps yesterday"
