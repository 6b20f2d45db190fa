"""Registration and signs of life (protocol §4.1, §4.7)."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from typing import Any, ClassVar, Final

import msgspec
from twisted.logger import Logger

from tfserver import privacy
from tfserver.commands.context import Context, Make
from tfserver.config import AdmissionPolicy
from tfserver.model import Admission, ClockEntry, Identity, canonical_sn, capacities
from tfserver.store.refusals import LeaseHeld, RegistryFull, Stray
from tfserver.store.terminals import Arrival
from tfserver.wire import times
from tfserver.wire.message import Request, Response
from tfserver.wire.table import handles

MOST_DEVINFO_BYTES: Final = 16 * 1024
MOST_IDENTITY: Final = 64
_log: Final = Logger()
_REFUSALS: Final = {
    Admission.PENDING: "Waiting for approval",
    Admission.DENIED: "Denied by the server",
    Admission.QUARANTINED: "Serial number in use by another terminal",
}
_SAID: Final = ("modelname", "firmware", "fpalgo", "mac")
_STRAYS: Final = {"elsewhere": "Not from this network", "path": "Wrong path"}


class Reg(Request):
    """A terminal says who it is; comes first, and again whenever firmware feels like it."""

    tells_time: ClassVar[bool] = True
    within: ClassVar[float] = 0.9

    cpusn: str = ""
    devinfo: dict[str, Any] = {}


class Heartbeat(Request):
    """Sign of life of one server's terminals (protocol §4.7)."""

    tells_time: ClassVar[bool] = True


class CheckLive(Request):
    """Sign of life of the HTTP variant (protocol §4.7)."""

    tells_time: ClassVar[bool] = True


@handles(Reg)
async def reg(request: Reg, terminal: Context) -> Response:
    """Admit the terminal, pin or check its identity, take its lease and set its clock."""
    if not _may_ask(request.sn, terminal):
        return Response(False, "Not on the allow list")
    moment = terminal.services.present.read()
    arrival = _arrival(request, terminal, moment)
    try:
        registration = await terminal.store.terminals.register(arrival, terminal.connection)
    except RegistryFull:
        return Response(False, "Server can't take more terminals")
    except Stray as stray:
        terminal.services.metrics.turned_away[_STRAYS[str(stray)]] += 1
        return Response(False, _STRAYS[str(stray)])
    except LeaseHeld as held:
        return _held(request.sn, terminal, held)
    if registration.admission is not Admission.APPROVED:
        return Response(False, _REFUSALS[registration.admission])
    terminal.leased = next(terminal.services.leases)
    terminal.sn, terminal.make = request.sn, _make(request.devinfo)
    terminal.registration, terminal.timeline = registration, registration.clock
    if registration.clock is not arrival.clock:
        await _set_clock(terminal, moment.at, arrival.ahead_ms)
    return Response(fields={"nosenduser": terminal.settings.terminals.nosenduser})


def _held(sn: str, terminal: Context, held: LeaseHeld) -> Response:
    """Two devices take the number from each other: the other one keeps it for a while."""
    twins = terminal.services.metrics.twins
    twins["refused"] += 1
    if held.is_new:
        twins["detected"] += 1
        told = "{sn}: two devices with this number, at {one} and {other}; for {seconds} s the first is heard"
        _log.warn(told, sn=sn, one=held.holder, other=terminal.address, seconds=held.seconds)
    return Response(False, _REFUSALS[Admission.QUARANTINED])


@handles(Heartbeat)
async def heartbeat(_: Heartbeat, terminal: Context) -> Response:
    """Answer, and set the clock."""
    await terminal.keep_clock(terminal.now())
    return Response()


@handles(CheckLive)
async def checklive(_: CheckLive, terminal: Context) -> Response:
    """Answer, and set the clock."""
    await terminal.keep_clock(terminal.now())
    return Response()


def _may_ask(sn: str, terminal: Context) -> bool:
    admission = terminal.settings.admission
    if admission.policy is not AdmissionPolicy.ALLOWLIST:
        return True
    return canonical_sn(sn) in _canonical(tuple(admission.allowlist))


@lru_cache(1)
def _canonical(allowlist: tuple[str, ...]) -> frozenset[str]:
    return frozenset(map(canonical_sn, allowlist))


def _arrival(request: Reg, terminal: Context, moment: times.Moment) -> Arrival:
    mac, shown = request.devinfo.get("mac"), request.devinfo.get("time")
    device = _parsed(shown) if isinstance(shown, str) and len(shown) <= times.MOST_TEXT else None
    ahead = None if device is None else times.drift_ms(device, moment.at, 0)
    clock, echo = _first_clock(terminal, moment, device, ahead)
    return Arrival(
        sn=request.sn,
        identity=Identity(
            request.cpusn.strip()[:MOST_IDENTITY],
            mac.strip().upper()[:MOST_IDENTITY] if isinstance(mac, str) else "",
        ),
        devinfo=_bounded(request.devinfo),
        address=terminal.address,
        ahead_ms=ahead,
        now_ms=moment.ms,
        approve=terminal.settings.admission.policy is not AdmissionPolicy.APPROVE,
        clock=clock,
        echo=echo,
        full=_fullness(request.devinfo),
        path=terminal.path,
        says=_said(request),
    )


def _said(request: Reg) -> bytes:
    """What it is, which a repair or an upgrade changes and use does not."""
    told = {"cpusn": request.cpusn, **{name: request.devinfo.get(name) for name in _SAID}}
    texts = {name: str(value)[:MOST_IDENTITY] for name, value in told.items() if value}
    return msgspec.json.encode(texts) if texts else b""


def _fullness(devinfo: dict[str, Any]) -> int | None:
    """How many percent of its memory of logs are used; None when it does not tell."""
    log = capacities(devinfo).get("log")
    return min(100, 100 * log.used // log.size) if log is not None and log.size > 0 else None


@lru_cache(256)
def _parsed(shown: str) -> datetime | None:
    """Terminals that come at once show the same seconds."""
    return times.parse(shown)


def _first_clock(
    terminal: Context, moment: times.Moment, device: datetime | None, ahead: int | None
) -> tuple[tuple[ClockEntry, ...], int | None]:
    """By which offset the clock runs from now on when nothing is known of it, and that offset again when the
    terminal brought it along (design §3.4)."""
    runs_at = times.offset_in(terminal.settings.terminals.timezone, moment.at)
    echo = None
    if device is not None and not _is_near(ahead, runs_at):
        echo = times.echoed_offset(device, moment.at)
        runs_at = runs_at if echo is None else echo
    return times.extended((), moment.ms, runs_at, _drift(ahead, runs_at)), echo


def _is_near(ahead: int | None, offset: int) -> bool:
    return ahead is not None and abs(ahead - offset * 1000) <= times.ECHO_SLACK_S * 1000


def _drift(ahead: int | None, offset: int) -> int | None:
    return None if ahead is None else ahead - offset * 1000


def _make(devinfo: dict[str, Any]) -> Make:
    """Fleets are of few makes: each text is kept once."""
    found = (devinfo.get("modelname", ""), devinfo.get("firmware", ""), devinfo.get("fpalgo", ""))
    return _shared_make(*(str(text)[:MOST_IDENTITY] for text in found))


_shared_make: Final = lru_cache(1024)(Make)


def _bounded(devinfo: dict[str, Any]) -> bytes:
    """``devinfo`` as sent without what is private; of an absurdly large one its short plain values."""
    devinfo = privacy.opened(devinfo)
    written = msgspec.json.encode(devinfo)
    if len(written) <= MOST_DEVINFO_BYTES:
        return written
    plain = {key: value for key, value in devinfo.items() if _is_short(key) and _is_short(value)}
    return msgspec.json.encode(dict(list(plain.items())[:100]))


def _is_short(value: Any) -> bool:
    return isinstance(value, bool | int | float) or (isinstance(value, str) and len(value) <= 64)


async def _set_clock(terminal: Context, now: datetime, ahead: int | None) -> None:
    """Measure the clock against the offset it ran at (design §3.4)."""
    ran_at = terminal.timeline[-1].offset if terminal.timeline else terminal.offset(now)
    await terminal.keep_clock(now, _drift(ahead, ran_at))
