"""What the answers of the API look like; the requests' classes stand beside their handlers."""

from __future__ import annotations

from typing import Any

import msgspec

from tfserver.commander import Backfill
from tfserver.model import Punch, Terminal
from tfserver.order import Order
from tfserver.store.audit import AuditRecord
from tfserver.store.tokens import Role


class TerminalPage(msgspec.Struct, frozen=True):
    """Terminals in the order of their serial numbers; ``next`` is null at the end."""

    terminals: list[Terminal]
    next: str | None


class FedPunch(Punch, kw_only=True):
    """A punch with its place in the feed."""

    id: str


class PunchPage(msgspec.Struct, frozen=True):
    """Punches in order of arrival; ``next`` is never null."""

    punches: list[FedPunch]
    next: str


class QuarantinePage(msgspec.Struct, frozen=True):
    """Records that could not be read and repeats, oldest first, and devices that claim a pinned number."""

    quarantine: list[dict[str, str]]
    claimants: list[dict[str, Any]]
    next: str


class Forgotten(msgspec.Struct, frozen=True):
    """How many records of the quarantine were forgotten."""

    forgotten: int


class OrderPage(msgspec.Struct, frozen=True):
    """Orders of a terminal, newest first; ``next`` is null at the end."""

    commands: list[Order]
    next: str | None


class AuditPage(msgspec.Struct, frozen=True):
    """Who did what, newest first; ``next`` is null at the end."""

    audit: list[AuditRecord]
    next: str | None


class BackfillPage(msgspec.Struct, frozen=True):
    """Days that were fetched again, newest first; ``next`` is null at the end."""

    backfills: list[Backfill]
    next: str | None


class ShownToken(msgspec.Struct, frozen=True):
    """What is shown of a token; never itself. No ``sites`` are all of them."""

    id: str
    name: str
    role: Role
    sites: list[str]
    created: str
    created_by: str


class IssuedToken(ShownToken, frozen=True, kw_only=True):
    """A token at the moment it is made: ``token`` is shown this once."""

    token: str


class TokenList(msgspec.Struct, frozen=True):
    """All tokens, oldest first."""

    tokens: list[ShownToken]
