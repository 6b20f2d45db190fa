"""What the answers of the API look like; the requests' classes stand beside their handlers."""

from __future__ import annotations

from typing import Any

import msgspec

from tfserver.commander import Backfill
from tfserver.model import Completeness, Gap, Punch, Terminal
from tfserver.order import Order
from tfserver.store.audit import AuditRecord
from tfserver.store.doubt import Confidence, Doubted
from tfserver.store.principals import Kind, Role
from tfserver.store.webhooks import DeadLetter, Webhook


class TerminalPage(msgspec.Struct, frozen=True):
    """Terminals in the order of their serial numbers; ``next`` is null at the end."""

    terminals: list[Terminal]
    next: str | None


class SecretPath(msgspec.Struct, frozen=True):
    """What a terminal has to end its address with: ``ws://host:7788`` and this. It is shown this once."""

    sn: str
    path: str


class FedPunch(Punch, kw_only=True):
    """A punch with its place in the feed."""

    id: str


class PunchPage(msgspec.Struct, frozen=True):
    """Punches in order of arrival; ``next`` is never null."""

    punches: list[FedPunch]
    next: str


class DoubtedPunch(FedPunch, kw_only=True):
    """A punch whose time is in doubt, and how far its instant can be relied on."""

    confidence: Confidence


class ClockReport(msgspec.Struct, frozen=True):
    """Such punches in order of arrival; ``terminals`` is null behind the first page, ``next`` at the end."""

    punches: list[DoubtedPunch]
    terminals: list[Doubted] | None
    next: str | None


class RecordedFrame(msgspec.Struct, frozen=True):
    """A message of a terminal (``in``), one to it (``out``), or something that happened (``event``).

    ``size`` is in bytes; of a long message only that and its ``word`` are remembered. ``content`` is without
    what is private.
    """

    at: str
    direction: str
    word: str
    size: int
    result: bool | None
    content: dict[str, Any]
    connection: str
    address: str
    process: str


class FramePage(msgspec.Struct, frozen=True):
    """What is remembered of a terminal, oldest first; not ``whole`` when a process did not answer in time."""

    frames: list[RecordedFrame]
    whole: bool


class RefusedHandshake(msgspec.Struct, frozen=True):
    """Connections from one address that never became a WebSocket, for one reason."""

    address: str
    why: str
    times: int
    first: str
    last: str
    process: str


class HandshakePage(msgspec.Struct, frozen=True):
    """Such connections, the latest first; not ``whole`` when a process did not answer in time."""

    handshakes: list[RefusedHandshake]
    whole: bool


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
    """What is shown of a token; never itself. No ``sites`` are all of them; with ``templates`` it may have
    what stands in credentials."""

    id: str
    name: str
    role: Role
    sites: list[str]
    templates: bool
    created: str
    created_by: str


class IssuedToken(ShownToken, frozen=True, kw_only=True):
    """A token at the moment it is made: ``token`` is shown this once."""

    token: str


class ShownAccount(msgspec.Struct, frozen=True):
    """What is shown of an account; never its password. No ``sites`` are all of them. ``language`` is null for
    the browser's, ``signed_in`` for never."""

    name: str
    role: Role
    sites: list[str]
    templates: bool
    language: str | None
    disabled: bool
    created: str
    created_by: str
    signed_in: str | None


class AccountList(msgspec.Struct, frozen=True):
    """All accounts, by their names."""

    accounts: list[ShownAccount]


class Who(msgspec.Struct, frozen=True):
    """Who asks. ``language`` is what an account is shown pages in, null for the browser's and for tokens;
    ``expires`` and ``csrf`` are of a browser that is signed in, null for others."""

    kind: Kind
    id: str
    name: str
    role: Role
    sites: list[str]
    templates: bool
    language: str | None
    expires: str | None
    csrf: str | None


class TokenList(msgspec.Struct, frozen=True):
    """All tokens, oldest first."""

    tokens: list[ShownToken]


class WebhookList(msgspec.Struct, frozen=True):
    """Webhooks, oldest first."""

    webhooks: list[Webhook]


class MadeWebhook(Webhook, frozen=True, kw_only=True):
    """A webhook as it was made or changed: ``secret`` is shown this once, and only if the server made it."""

    secret: str | None


class DeadLetterPage(msgspec.Struct, frozen=True):
    """Messages that a receiver refused for good, oldest first; ``next`` is null at the end."""

    dead_letters: list[DeadLetter]
    next: str | None


class Redelivered(msgspec.Struct, frozen=True):
    """How many dead letters are sent again."""

    messages: int


class TerminalCompleteness(Completeness, frozen=True, kw_only=True):
    """Until when everything of one terminal is here; ``complete`` is null unless a day was asked for."""

    sn: str
    site: str
    complete: bool | None = None


class GapOf(Gap, frozen=True, kw_only=True):
    """A gap, and whose it is."""

    sn: str


class CompletenessPage(msgspec.Struct, frozen=True):
    """The earliest moment of all terminals that count, and some of these; ``next`` is null at the end."""

    until: str | None
    why: str
    complete: bool | None
    terminals: list[TerminalCompleteness]
    gaps: list[GapOf]
    next: str | None
