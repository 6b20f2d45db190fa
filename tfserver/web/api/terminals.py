"""``/terminals``: who they are, and what people decide about them (design §2.2)."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any, Final, Literal
from zoneinfo import ZoneInfo

import msgspec
from msgspec import UNSET, Meta, UnsetType

from tfserver.model import Admission, Terminal, capacities
from tfserver.store.terminals import Claimant, Terminals
from tfserver.web.problem import Problem, bad_input
from tfserver.web.query import Query

PARAMETERS: Final = ("state", "site", "limit", "cursor")
STATES: Final = ("online", "offline", "pending", "denied", "quarantined")
_PAGE: Final = 200
_BEFORE_ALL: Final = "!"
_CLAIMED: Final = "~"
"""Begins a cursor among the devices in quarantine; no serial number does (model.SN_PATTERN)."""
_MOST_PAGES: Final = 50

Line = Annotated[str, Meta(max_length=200)]


class Change(msgspec.Struct, forbid_unknown_fields=True):
    """What may be changed; what is left out stays."""

    admission: Literal["approved", "denied"] | UnsetType = UNSET
    name: Line | UnsetType = UNSET
    site: Line | UnsetType = UNSET
    timezone: Line | UnsetType | None = UNSET
    model_profile: Line | UnsetType | None = UNSET
    tags: Annotated[list[Line], Meta(max_length=50)] | UnsetType = UNSET


async def listing(store: Terminals, query: Query) -> dict[str, Any]:
    """A page of terminals and the cursor of the next, null at the end."""
    states, site = query.choices("state", STATES), query.text("site")
    limit, after = query.limit(), query.text("cursor").upper()
    found: list[Terminal] = []
    if "quarantined" in states and not site and (not after or after.startswith(_CLAIMED)):
        claims = sorted(await store.claimants(), key=lambda claim: (claim.sn, claim.cpusn, claim.mac))
        start = _place(after)
        found = [_claimed(claim) for claim in claims[start : start + limit]]
        if start + limit < len(claims):
            return {"terminals": found, "next": f"{_CLAIMED}{start + limit}"}
        after = ""
    for _ in range(_MOST_PAGES):
        page = await store.page(after, _PAGE)
        for terminal in page:
            if len(found) >= limit:
                return {"terminals": found, "next": after or _BEFORE_ALL}
            after = terminal.sn.strip().upper()
            if _fits(terminal, states, site):
                found.append(terminal)
        if len(page) < _PAGE:
            return {"terminals": found, "next": None}
    return {"terminals": found, "next": after}


def _place(cursor: str) -> int:
    """How many devices in quarantine were listed already."""
    digits = cursor.removeprefix(_CLAIMED) or "0"
    if not (digits.isascii() and digits.isdigit() and len(digits) < 10):
        raise bad_input("cursor", "expected a cursor as given in 'next'")
    return int(digits)


async def one(store: Terminals, sn: str) -> Terminal:
    """One terminal; Problem 404."""
    terminal = await store.get(sn)
    if terminal is None:
        raise Problem(HTTPStatus.NOT_FOUND, f"no terminal '{sn}' has ever registered here")
    return terminal


async def change(store: Terminals, sn: str, body: bytes) -> Terminal:
    """Apply a change and show the terminal as it is then."""
    wanted = _read(body)
    await one(store, sn)
    fields = {
        name: value or ""
        for name in ("name", "site", "timezone", "model_profile")
        if (value := getattr(wanted, name)) is not UNSET
    }
    if wanted.tags is not UNSET:
        fields["tags"] = msgspec.json.encode(wanted.tags).decode()
    if fields:
        await store.change(sn, fields)
    if wanted.admission is not UNSET:
        await store.decide(sn, Admission(wanted.admission))
    return await one(store, sn)


def _read(body: bytes) -> Change:
    try:
        wanted = msgspec.json.decode(body, type=Change)
    except msgspec.ValidationError as wrong:
        what, _, where = str(wrong).partition(" - at ")
        raise bad_input(where.strip("`").removeprefix("$.") or "body", what.replace("`", "'")) from wrong
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as wrong:
        raise Problem(HTTPStatus.BAD_REQUEST, f"the body is not JSON: {wrong}") from wrong
    if wanted.timezone:
        try:
            ZoneInfo(wanted.timezone)
        except (OSError, ValueError, KeyError) as wrong:
            raise bad_input("timezone", "expected an IANA zone such as Europe/Lisbon") from wrong
    return wanted


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
    told = {**claim.devinfo, "cpusn": claim.cpusn, "mac": claim.mac, "address": claim.address}
    return Terminal(
        sn=claim.sn, admission=Admission.QUARANTINED, devinfo=told, capacity=capacities(claim.devinfo)
    )
