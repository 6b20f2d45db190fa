"""Registration and signs of life (protocol §4.1, §4.7)."""

from __future__ import annotations

from typing import Any, ClassVar, Final

import msgspec

from tfserver.commands.context import Context
from tfserver.config import AdmissionPolicy
from tfserver.model import Admission, Identity, canonical_sn
from tfserver.store.terminals import Arrival, RegistryFull
from tfserver.wire import times
from tfserver.wire.message import Request, Response
from tfserver.wire.table import handles

MOST_DEVINFO_BYTES: Final = 16 * 1024
MOST_IDENTITY: Final = 64
_REFUSALS: Final = {
    Admission.PENDING: "Waiting for approval",
    Admission.DENIED: "Denied by the server",
    Admission.QUARANTINED: "Serial number in use by another terminal",
}


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
    now = terminal.now()
    device = _device_time(request)
    arrival = _arrival(request, terminal, now, device)
    try:
        registration = await terminal.store.terminals.register(arrival, terminal.connection)
    except RegistryFull:
        return Response(False, "Server can't take more terminals")
    if registration.admission is not Admission.APPROVED:
        return Response(False, _REFUSALS[registration.admission])
    terminal.leased = next(terminal.services.leases)
    terminal.sn, terminal.devinfo = request.sn, arrival.devinfo
    terminal.registration, terminal.timeline = registration, registration.clock
    await _set_clock(terminal, now, device)
    return Response(fields={"nosenduser": terminal.settings.terminals.nosenduser})


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
    return canonical_sn(sn) in {canonical_sn(listed) for listed in admission.allowlist}


def _device_time(request: Reg) -> Any:
    shown = request.devinfo.get("time")
    return times.parse(shown) if isinstance(shown, str) else None


def _arrival(request: Reg, terminal: Context, now: Any, device: Any) -> Arrival:
    mac = request.devinfo.get("mac", "")
    return Arrival(
        sn=request.sn,
        identity=Identity(
            request.cpusn.strip()[:MOST_IDENTITY],
            mac.strip().upper()[:MOST_IDENTITY] if isinstance(mac, str) else "",
        ),
        devinfo=_bounded(request.devinfo),
        address=terminal.address,
        ahead_ms=None if device is None else times.drift_ms(device, now, 0),
        now_ms=times.milliseconds(now),
        approve=terminal.settings.admission.policy is not AdmissionPolicy.APPROVE,
    )


def _bounded(devinfo: dict[str, Any]) -> dict[str, Any]:
    """``devinfo`` as sent, unless it is absurdly large: then its short plain values."""
    if len(msgspec.json.encode(devinfo)) <= MOST_DEVINFO_BYTES:
        return devinfo
    plain = {key: value for key, value in devinfo.items() if _is_short(key) and _is_short(value)}
    return dict(list(plain.items())[:100])


def _is_short(value: Any) -> bool:
    return isinstance(value, bool | int | float) or (isinstance(value, str) and len(value) <= 64)


async def _set_clock(terminal: Context, now: Any, device: Any) -> None:
    """Measure the clock, and decide by which offset it runs from now on (design §3.4)."""
    first = not terminal.timeline
    if first and device is not None and not terminal.registration.timezone:
        brought = times.echoed_offset(device, now)
        if brought is not None and brought != terminal.offset(now):
            terminal.registration = msgspec.structs.replace(terminal.registration, echo=brought)
    ran_at = terminal.offset(now) if first else terminal.timeline[-1].offset
    drift = None if device is None else times.drift_ms(device, now, ran_at)
    await terminal.keep_clock(now, drift)
