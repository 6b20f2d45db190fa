"""``/terminals``: who they are, and what people decide about them (design §2.2)."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any, Final, Literal
from zoneinfo import ZoneInfo

import msgspec
from msgspec import UNSET, Meta, UnsetType

from tfserver import privacy, secretpath
from tfserver.model import Admission, Direction, Identity, Terminal, capacities
from tfserver.store.refusals import Undecided
from tfserver.store.terminal_rows import Claimant
from tfserver.store.terminals import Terminals
from tfserver.web.answer import Answer
from tfserver.web.call import Call
from tfserver.web.problem import Problem, bad_input
from tfserver.web.query import CURSOR, LIMIT, choices, text
from tfserver.web.shapes import SecretPath, TerminalPage

STATES: Final = ("online", "offline", "pending", "denied", "quarantined")
PARAMETERS: Final = (
    choices("state", "only those in one of these states", STATES),
    text("site", "only those at this site"),
    LIMIT,
    CURSOR,
)
_PAGE: Final = 200
_BEFORE_ALL: Final = "!"
_CLAIMED: Final = "~"
"""Begins a cursor among the devices in quarantine; no serial number does (model.SN_PATTERN)."""
_MOST_PAGES: Final = 50

Line = Annotated[str, Meta(max_length=200)]


class Device(msgspec.Struct, forbid_unknown_fields=True):
    """A device that claims a terminal's serial number, as ``GET /quarantine`` tells of it."""

    cpusn: Line = ""
    mac: Line = ""


class Change(msgspec.Struct, forbid_unknown_fields=True):
    """What may be changed; what is left out stays."""

    admission: Literal["approved", "denied"] | UnsetType = UNSET
    name: Line | UnsetType = UNSET
    site: Line | UnsetType = UNSET
    timezone: Annotated[Line, Meta(description="an IANA zone")] | UnsetType | None = UNSET
    model_profile: Line | UnsetType | None = UNSET
    tags: Annotated[list[Line], Meta(max_length=50)] | UnsetType = UNSET
    direction: Direction | UnsetType | None = UNSET
    device: (
        Annotated[Device, Meta(description="which of the devices in quarantine is approved")] | UnsetType
    ) = UNSET


async def listing(call: Call) -> TerminalPage:
    """A page of terminals and the cursor of the next, null at the end."""
    store, states, site = call.sources.terminals, call.query["state"], call.query["site"]
    limit, after = call.query["limit"], call.query["cursor"].upper()
    found: list[Terminal] = []
    may_claim = "quarantined" in states and not site and call.sees("")
    if may_claim and (not after or after.startswith(_CLAIMED)):
        claims = sorted(await store.claimants(), key=lambda claim: (claim.sn, claim.cpusn, claim.mac))
        start = _place(after)
        found = [_claimed(claim) for claim in claims[start : start + limit]]
        if start + limit < len(claims):
            return TerminalPage(found, f"{_CLAIMED}{start + limit}")
        after = ""
    for _ in range(_MOST_PAGES):
        page = await store.page(after, _PAGE)
        for terminal in page:
            if len(found) >= limit:
                return TerminalPage(found, after or _BEFORE_ALL)
            after = terminal.sn.strip().upper()
            if call.sees(terminal.site) and _fits(terminal, states, site):
                found.append(terminal)
        if len(page) < _PAGE:
            return TerminalPage(found, None)
    return TerminalPage(found, after)


def _place(cursor: str) -> int:
    """How many devices in quarantine were listed already."""
    digits = cursor.removeprefix(_CLAIMED) or "0"
    if not (digits.isascii() and digits.isdigit() and len(digits) < 10):
        raise bad_input("cursor", "expected a cursor as given in 'next'")
    return int(digits)


async def one(call: Call) -> Terminal:
    """One terminal; Problem 404."""
    return await _found(call.sources.terminals, call.path["sn"])


async def _found(store: Terminals, sn: str) -> Terminal:
    terminal = await store.get(sn)
    if terminal is None:
        raise Problem(HTTPStatus.NOT_FOUND, f"no terminal '{sn}' has ever registered here")
    return terminal


async def change(call: Call) -> Terminal:
    """Apply a change and show the terminal as it is then."""
    store, sn, wanted = call.sources.terminals, call.path["sn"], call.body
    _check_zone(wanted)
    _check_site(call, wanted)
    if wanted.device is not UNSET and wanted.admission != "approved":
        raise bad_input("device", "expected only with admission approved")
    await _found(store, sn)
    fields = {
        name: value or ""
        for name in ("name", "site", "timezone", "model_profile")
        if (value := getattr(wanted, name)) is not UNSET
    }
    if wanted.tags is not UNSET:
        fields["tags"] = msgspec.json.encode(wanted.tags).decode()
    if wanted.direction is not UNSET:
        rule = wanted.direction
        fields["direction"] = "" if rule is None else msgspec.json.encode(rule).decode()
    if wanted.admission is not UNSET:
        await _decide(store, sn, wanted)
    if fields:
        await store.change(sn, fields)
    await call.note("done", privacy.opened(msgspec.to_builtins(wanted)))
    return await _found(store, sn)


async def _decide(store: Terminals, sn: str, wanted: Change) -> None:
    """First of all that is wanted: what can't be decided changes nothing."""
    assert wanted.admission is not UNSET
    device = None if wanted.device is UNSET else Identity(wanted.device.cpusn, wanted.device.mac)
    try:
        await store.decide(sn, Admission(wanted.admission), device)
    except Undecided as unclear:
        raise Problem(HTTPStatus.CONFLICT, str(unclear)) from unclear


async def forget(call: Call) -> Answer:
    """Forget a terminal and what waits for it; when it registers again it is a new one."""
    if not await call.sources.commander.forget(call.path["sn"], call.actor):
        raise Problem(HTTPStatus.NOT_FOUND, f"no terminal '{call.path['sn']}' has ever registered here")
    return Answer(status=HTTPStatus.NO_CONTENT)


async def issue_path(call: Call) -> Answer:
    """Give a terminal a secret path, in place of one it had, to be said from its next registration on."""
    store, sn = call.sources.terminals, call.path["sn"]
    found = await _found(store, sn)
    secret = secretpath.new_secret()
    await store.set_path(sn, secretpath.hash_of(secret))
    await call.note("done")
    return Answer(SecretPath(found.sn, f"/{secret}"), HTTPStatus.CREATED)


async def drop_path(call: Call) -> Answer:
    """Let a terminal connect by any path again."""
    store, sn = call.sources.terminals, call.path["sn"]
    await _found(store, sn)
    await store.set_path(sn, "")
    await call.note("done")
    return Answer(status=HTTPStatus.NO_CONTENT)


def _check_zone(wanted: Change) -> None:
    if wanted.timezone:
        try:
            ZoneInfo(wanted.timezone)
        except (OSError, ValueError, KeyError) as wrong:
            raise bad_input("timezone", "expected an IANA zone such as Europe/Lisbon") from wrong


def _check_site(call: Call, wanted: Change) -> None:
    """Nobody moves a terminal to where nobody of its own could fetch it back."""
    if isinstance(wanted.site, str) and not call.sees(wanted.site):
        told = f"your {call.who.kind.value} reaches only {', '.join(call.who.sites)}"
        raise Problem(HTTPStatus.FORBIDDEN, f"site: {told}", [("site", told)])


def _fits(terminal: Terminal, states: tuple[str, ...], site: str) -> bool:
    if site and terminal.site != site:
        return False
    return not states or bool(_states(terminal) & set(states))


def _states(terminal: Terminal) -> set[str]:
    if terminal.admission is not Admission.APPROVED:
        return {terminal.admission.value}
    return {"online" if terminal.online else "offline"}


def _claimed(claim: Claimant) -> Terminal:
    """A device in quarantine: it claims a serial number that is pinned to another."""
    told: dict[str, Any] = {
        **claim.devinfo,
        "cpusn": claim.cpusn,
        "mac": claim.mac,
        "address": claim.address,
    }
    return Terminal(
        sn=claim.sn, admission=Admission.QUARANTINED, devinfo=told, capacity=capacities(claim.devinfo)
    )
