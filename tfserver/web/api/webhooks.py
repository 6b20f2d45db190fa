"""``/webhooks``: who is told of punches and events. A secret is shown once, when it is made."""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlsplit

import msgspec
from msgspec import UNSET, Meta, UnsetType
from twisted.internet.defer import Deferred, TimeoutError

from tfserver.delivery.addresses import MOST_URL, AddressRefused, BadUrl, Target, read_url
from tfserver.delivery.names import HostUnknown
from tfserver.delivery.signing import BadSecret, new_secret, secret_bytes
from tfserver.store import webhooks as store
from tfserver.store.principals import Role
from tfserver.web.answer import Answer
from tfserver.web.call import Call
from tfserver.web.problem import Problem, bad_input
from tfserver.web.query import LIMIT, place
from tfserver.web.shapes import DeadLetterPage, MadeWebhook, Redelivered, WebhookList

DEAD_PARAMETERS: Final = (LIMIT, place("cursor", "the page behind this place, as given in `next`"))
LOOKUP_SECONDS: Final = 3.0
"""A host that nobody answers for in this time may be a receiver all the same: each delivery looks again."""

Url = Annotated[
    str,
    Meta(
        pattern=r"^https?://[!-~]+$",
        max_length=MOST_URL,
        description="where messages are posted to; https unless the server allows private addresses",
    ),
]
Kinds = Annotated[
    list[Literal["punch", "door", "stranger", "terminal"]],
    Meta(max_length=50, description="only these kinds; none: all"),
]
Site = Annotated[str, Meta(min_length=1, max_length=200)]
Sites = Annotated[
    list[Site], Meta(max_length=100, description="only of terminals at these sites; none: of all")
]
Batch = Annotated[
    int, Meta(ge=1, le=store.MOST_BATCH, description="how many messages a request brings at most, as a list")
]
Secret = Annotated[
    str,
    Meta(max_length=200, description="whsec_ and base64 of 24 to 64 bytes; made by the server without one"),
]
Place = Annotated[str, Meta(pattern=r"^\d{1,15}-\d{1,15}$")]


class NewWebhook(msgspec.Struct, forbid_unknown_fields=True):
    """What somebody wants. Without ``after`` it begins with what comes next."""

    url: Url
    kinds: Kinds = []
    sites: Sites = []
    batch: Batch = 1
    secret: Secret | None = None
    after: Annotated[Place, Meta(description="the place in the feed to begin behind")] | None = None


class WebhookChange(msgspec.Struct, forbid_unknown_fields=True):
    """What may be changed; what is left out stays. With ``secret`` null the server makes a new one; the old
    one signs beside it for a day."""

    url: Url | UnsetType = UNSET
    kinds: Kinds | UnsetType = UNSET
    sites: Sites | UnsetType = UNSET
    batch: Batch | UnsetType = UNSET
    secret: Secret | UnsetType | None = UNSET
    state: Literal["active", "paused"] | UnsetType = UNSET


class Redelivery(msgspec.Struct, forbid_unknown_fields=True):
    """Which dead letters are sent again; without ``ids`` all of them."""

    ids: Annotated[list[Place], Meta(min_length=1, max_length=1000)] | UnsetType = UNSET


async def listing(call: Call) -> WebhookList:
    """All webhooks that who asks reaches."""
    found = [one for one in await call.sources.webhooks.all() if call.sees_only(one.sites)]
    return WebhookList([_seen(call, one) for one in found])


async def one(call: Call) -> store.Webhook:
    """One webhook, with how it fares; Problem 404."""
    found = await call.sources.webhooks.get(call.path["id"])
    if found is None:
        raise store.NoSuchWebhook(f"no webhook has the id '{call.path['id']}'")
    return _seen(call, found)


async def add(call: Call) -> Answer:
    """Make a webhook."""
    wanted: NewWebhook = call.body
    _check_sites(call, wanted.sites)
    _check_secret(wanted.secret)
    target = await _checked(call, wanted.url)
    made = new_secret() if wanted.secret is None else None
    new = store.NewWebhook(
        url=wanted.url,
        secret=made or wanted.secret or "",
        kinds=_unique(wanted.kinds),
        sites=_unique(wanted.sites),
        batch=wanted.batch,
        after=wanted.after,
        actor=call.actor,
    )
    webhook = await call.sources.webhooks.add(new, call.key)
    # a path may be as private as a secret
    told = {"webhook": webhook.id, "host": target.authority, "kinds": [*new.kinds], "sites": [*new.sites]}
    await call.note("done", told)
    return Answer(_shown(webhook, made), HTTPStatus.CREATED)


async def change(call: Call) -> MadeWebhook:
    """Apply a change and show the webhook as it is then."""
    wanted: WebhookChange = call.body
    fields: dict[str, Any] = {
        name: value for name in wanted.__struct_fields__ if (value := getattr(wanted, name)) is not UNSET
    }
    told: dict[str, Any] = {"webhook": call.path["id"], "changed": sorted(fields)}
    made = None
    if "sites" in fields:
        _check_sites(call, fields["sites"])
    if "url" in fields:
        told["host"] = (await _checked(call, fields["url"])).authority
    if "secret" in fields:
        _check_secret(fields["secret"])
        made = new_secret() if fields["secret"] is None else None
        fields["secret"] = made or fields["secret"]
    for name in {"kinds", "sites"} & fields.keys():
        fields[name] = _unique(fields[name])
    if "state" in fields:
        told["state"] = fields["state"]
        fields["state"] = store.State(fields["state"])
    webhook = await call.sources.webhooks.change(call.path["id"], store.Change(**fields))
    await call.note("done", told)
    return _shown(webhook, made)


async def remove(call: Call) -> Answer:
    """Forget a webhook and what it did not get."""
    await call.sources.webhooks.delete(call.path["id"])
    await call.note("done", {"webhook": call.path["id"]})
    return Answer(status=HTTPStatus.NO_CONTENT)


async def dead_letters(call: Call) -> DeadLetterPage:
    """Messages that the receiver refused for good, oldest first."""
    query = call.query
    return DeadLetterPage(
        *await call.sources.webhooks.dead_letters(call.path["id"], query["limit"], query["cursor"])
    )


async def redeliver(call: Call) -> Answer:
    """Send dead letters again."""
    wanted: Redelivery = call.body
    chosen = () if wanted.ids is UNSET else wanted.ids
    count = await call.sources.webhooks.redeliver(call.path["id"], chosen)
    await call.note("done", {"webhook": call.path["id"], "messages": count})
    return Answer(Redelivered(count), HTTPStatus.ACCEPTED)


def _shown(webhook: store.Webhook, secret: str | None) -> MadeWebhook:
    fields = {name: getattr(webhook, name) for name in webhook.__struct_fields__}
    return MadeWebhook(**fields, secret=secret)


def _seen(call: Call, webhook: store.Webhook) -> store.Webhook:
    """As who asks may see it: with a path or a query that has a token in it anybody could post there, so only
    administrators see these."""
    if call.who.role is Role.ADMIN:
        return webhook
    parts = urlsplit(webhook.url)
    origin = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
    return msgspec.structs.replace(
        webhook, url=f"{origin}/…" if parts.path.strip("/") or parts.query else origin
    )


def _unique(given: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(given))


def _check_secret(secret: str | None) -> None:
    if secret is None:
        return
    try:
        secret_bytes(secret)
    except BadSecret as wrong:
        raise bad_input("secret", str(wrong)) from wrong


def _check_sites(call: Call, sites: list[str]) -> None:
    """Nobody lets punches be sent on that may not be seen."""
    if not call.sees_only(sites):
        told = f"your {call.who.kind.value} reaches only {', '.join(call.who.sites)}: name some of these"
        raise Problem(HTTPStatus.FORBIDDEN, f"sites: {told}", [("sites", told)])


async def _checked(call: Call, url: str) -> Target:
    """The parts of a URL; Problem 422 for one that would never be posted to."""
    names = call.sources.names
    try:
        target = read_url(url, names.allow_private)
        looking = Deferred.fromCoroutine(names.addresses(target.host, target.port))
        await looking.addTimeout(LOOKUP_SECONDS, call.desk.reactor)
    except (BadUrl, AddressRefused) as wrong:
        raise bad_input("url", str(wrong)) from wrong
    except (HostUnknown, TimeoutError):
        pass
    return target
