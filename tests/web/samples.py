"""One of each thing that the API shows or takes."""

from __future__ import annotations

from datetime import date
from typing import Any

import msgspec

from tests.commands.pictures import base64_of, picture
from tfserver.commander import Backfill
from tfserver.order import Order, OrderState
from tfserver.store.accounts import Account
from tfserver.store.audit import AuditRecord
from tfserver.store.principals import Role
from tfserver.store.webhooks import DeadLetter, Health, State, Webhook

SN = "ZXDM26010042"
ORDER_ID = "0af3"
AT = "2026-04-02T08:15:04.000Z"
PASSWORD = "quiet otters juggle"
BODIES: dict[str, Any] = {
    "Change": {"name": "Gate 4"},
    "Order_body": {"cmd": "opendoor", "doornum": 1},
    "NewBackfill": {"sn": SN, "from": "2026-04-01", "to": "2026-04-02"},
    "NewToken": {"name": "payroll", "role": "reader"},
    "NewAccount": {"name": "bo", "role": "reader", "password": PASSWORD},
    "AccountChange": {"role": "reader", "language": "ar"},
    "OwnChange": {"language": "ar"},
    "NewWebhook": {"url": f"https://hr.example/{SN}", "sites": ["north"]},
    "WebhookChange": {"state": "paused"},
    "Redelivery": {"ids": ["1-0"]},
    "PersonBody": {"name": "Ines M", "external_id": "HR-7", "groups": ["staff"]},
    "CredentialBody": {"record": 3120457781},
    "RightOne": {"sn": SN},
    "GroupBody": {"title": "Staff", "everywhere": True},
    "Members": {"add": [7], "remove": [8]},
    "ErasureBody": {"enrollid": 7, "reason": "asked", "confirm": "7"},
    "ApplyBody": {"plan": ORDER_ID},
    "EnrolmentBody": {"sn": SN, "enrollid": 7, "backupnum": 0},
    "PhotoRecord": {"record": base64_of(picture())},
    "RestoreBody": {"snapshot": "s1", "confirm": SN},
    "ReplaceBody": {"of": SN, "confirm": SN},
    "Snapshot_file": b"sealed bytes",
    "People_file": b'{"enrollid": 7}',
    "NewPlan": {"sites": ["north"], "foreign": "keep", "verify": "records", "read": "fresh"},
}
"""What each body may look like, by the name of its schema."""


def an_account(**more: Any) -> Account:
    """The account of somebody who runs terminals."""
    told: dict[str, Any] = {"id": "c0ffee", "role": Role.OPERATOR, "created_ms": 1, "name": "ines"}
    return Account(**{**told, "created_by": "token a (Ana)", **more})


def an_order(state: OrderState = OrderState.QUEUED, **more: Any) -> Order:
    """An order to open a door."""
    told: dict[str, Any] = {
        "id": ORDER_ID,
        "sn": SN,
        "cmd": "opendoor",
        "args": {"doornum": 1},
        "reply": None,
        "error": None,
        "actor": "token o",
        "created": AT,
        "sent": None,
        "finished": None,
        "expires": AT,
        "attempts": 0,
    }
    return Order(state=state, **{**told, **more})


def a_backfill(**more: Any) -> Backfill:
    """A backfill of two days."""
    told: dict[str, Any] = {
        "id": "7",
        "sn": SN,
        "first": date(2026, 4, 1),
        "last": date(2026, 4, 2),
        "actor": "token o",
        "created": AT,
        "days": 2,
        "done": 0,
        "records": 0,
        "new": 0,
        "state": "open",
        "orders": [],
    }
    return Backfill(**{**told, **more})


def a_record(place: str, sn: str = SN, actor: str = "token o", **more: Any) -> AuditRecord:
    """A record of the audit."""
    told = {"what": "opendoor", "outcome": "done", "detail": {}, **more}
    return AuditRecord(id=place, at=AT, actor=actor, sn=sn, **told)


def a_webhook(*sites: str, **more: Any) -> Webhook:
    """A webhook that fares well."""
    told: dict[str, Any] = {
        "id": ORDER_ID,
        "url": f"https://hr.example/{SN}",
        "kinds": ("punch",),
        "batch": 100,
        "state": State.ACTIVE,
        "created": AT,
        "created_by": "token a (Ana)",
        "old_secret_until": None,
        "health": Health(cursor="5-0", behind_seconds=0.5),
    }
    return Webhook(sites=sites, **{**told, **more})


def a_dead_letter(place: str = "1-0") -> DeadLetter:
    """A message that a receiver refused."""
    message = msgspec.Raw(b'{"type":"punch","data":{"sn":"%b"}}' % SN.encode())
    told: dict[str, Any] = {"message_id": "punch_1", "status": 422, "why": "the receiver answered 422"}
    return DeadLetter(id=place, at=AT, message=message, **told)


def a_row(**changed: Any) -> dict[str, Any]:
    """A punch as it stands in the stream."""
    plain = {"uid": "u", "sn": SN, "site": "north", "kind": "punch", "enrollid": 17, "utc": AT}
    return {**plain, **changed}
