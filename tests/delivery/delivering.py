"""Webhooks on a real store, punches and events for them, and receivers that answer what a test wants."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import msgspec
from twisted.internet import reactor as the_reactor
from twisted.internet.defer import Deferred

from tests.store.connected import StoreCase, until
from tests.store.records import record
from tfserver.config import Punches as PunchSettings
from tfserver.config import Webhooks as WebhookSettings
from tfserver.delivery.arrivals import Arrivals
from tfserver.delivery.sending import SendFailed, Sent
from tfserver.delivery.signing import new_secret
from tfserver.delivery.subscriber import Means
from tfserver.delivery.webhooks import Deliverer
from tfserver.errors import Gone
from tfserver.metrics import Metrics
from tfserver.store.archived import body_in
from tfserver.store.client import Client
from tfserver.store.deliveries import Deliveries, Entry
from tfserver.store.punches import Punches
from tfserver.store.vault import Vault
from tfserver.store.webhooks import NewWebhook, Webhook, Webhooks

reactor: Any = the_reactor
URL = "https://hook.example/one"
VAULT = Vault(bytes(range(32)))
OK = Sent(200, None)

Reply = Sent | Exception | Deferred[Any]


class Post(NamedTuple):
    """A request that came to a receiver."""

    url: str
    id: str
    headers: dict[str, str]
    body: bytes

    @property
    def message(self) -> dict[str, Any]:
        """What it says."""
        found: dict[str, Any] = msgspec.json.decode(self.body)
        return found

    @property
    def messages(self) -> list[dict[str, Any]]:
        """What it brings, alone or as a batch."""
        told = self.message
        return told["data"] if told["type"] == "batch" else [told]

    @property
    def people(self) -> list[int]:
        """The enrollids of what it brings."""
        return [one["data"].get("enrollid", -1) for one in self.messages]


class Receiver:
    """Answers each request by ``answer``: a status, a Sent, an exception, or a Deferred of one."""

    def __init__(self, answer: Callable[[Post], Any] = lambda post: 200) -> None:
        self.answer = answer
        self.posts: list[Post] = []
        self.taken: list[Post] = []
        """Those that were answered with 2xx."""

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Sent:
        """As Sender does it."""
        post = Post(url, headers["webhook-id"], dict(headers), body)
        self.posts.append(post)
        found = self.answer(post)
        if isinstance(found, Deferred):
            found = await found
        if isinstance(found, Exception):
            raise found
        sent = found if isinstance(found, Sent) else Sent(found, None)
        if 200 <= sent.status < 300:
            self.taken.append(post)
        return sent

    @property
    def people(self) -> list[int]:
        """The enrollids of all that was accepted, in order."""
        return [person for post in self.taken for person in post.people]


def refusing(*people: int, status: int = 422) -> Callable[[Post], int]:
    """Refuses all requests that bring one of these people."""
    return lambda post: status if set(post.people) & set(people) else 200


class StreamFeed:
    """The feed as far as the stream goes; of ``gone`` kinds something is said to be deleted."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.gone: tuple[str, ...] = ()

    async def page(self, after: str, limit: int, kinds: tuple[str, ...] = ()) -> list[Entry]:
        """Entries behind a place."""
        if self.gone and (not kinds or set(kinds) & set(self.gone)):
            raise Gone("deleted")
        found = await self._client.read("XRANGE", "tf:punches", f"({after}", "+", "COUNT", limit)
        return [(place, body_in(fields)) for place, fields in found]


class Process(NamedTuple):
    """One process that delivers."""

    deliverer: Deliverer
    receiver: Receiver
    metrics: Metrics
    store: Deliveries


class DeliveringCase(StoreCase):
    """Webhooks, and processes that deliver to them."""

    settings = WebhookSettings(most=5, dead_letters=50)

    async def begin(self) -> Webhooks:
        """A client, and the face that people use."""
        self.client: Client = await self.connect()
        self.punches = Punches(reactor, self.client, PunchSettings())
        self.webhooks = Webhooks(self.client, VAULT, self.settings)
        self.feed = StreamFeed(self.client)
        self._numbers = 0
        return self.webhooks

    async def webhook(self, **more: Any) -> Webhook:
        """One more webhook."""
        usual: dict[str, Any] = {"url": URL, "secret": new_secret(), "actor": "token 1"}
        return await self.webhooks.add(NewWebhook(**{**usual, **more}))

    async def found(self, webhook: Webhook) -> Webhook:
        """As it is now."""
        found = await self.webhooks.get(webhook.id)
        assert found is not None, "no such webhook"
        return found

    def deliveries(self, holder: str, client: Client | None = None) -> Deliveries:
        """The steps of one process."""
        return Deliveries(client or self.client, VAULT, self.settings, holder)

    async def process(
        self, receiver: Receiver | None = None, holder: str = "one", clock: Any = reactor
    ) -> Process:
        """A process that delivers, started; stopped at the end of the test."""
        receiver = receiver or Receiver()
        store = self.deliveries(holder)
        metrics = Metrics()
        means = Means(clock, store, self.feed, receiver, Arrivals(clock, store), metrics, lambda: 0.5)
        deliverer = Deliverer(means)
        await deliverer.start()
        self.addCleanup(_stopped, deliverer)
        return Process(deliverer, receiver, metrics, store)

    async def punch(self, *people: int, site: str = "", kind: str = "punch") -> None:
        """A punch of each of these people, in this order."""
        records = []
        for person in people:
            self._numbers += 1
            made = record("T1", person, f"2026-04-02 08:{self._numbers // 60:02}:{self._numbers % 60:02}")
            told = {**msgspec.json.decode(made.body), "site": site, "kind": kind}
            records.append(msgspec.structs.replace(made, body=msgspec.json.encode(told)))
        await self.punches.append("T1", None, records, [])

    async def event(self, event: str, site: str = "") -> None:
        """Something happens to a terminal."""
        told = msgspec.json.encode({"event": event, "sn": "T1", "site": site})
        await self.client.write("XADD", self.client.keys.news, "*", "d", told)

    async def got(self, receiver: Receiver, people: list[int]) -> None:
        """Wait until exactly these were accepted, in this order."""
        await until(lambda: len(receiver.people) >= len(people), f"{people} are delivered")
        self.assertEqual(receiver.people, people)

    def near(self, found: float, wanted: float, delta: float) -> None:
        """Two figures that may differ by a little."""
        self.assertTrue(abs(found - wanted) <= delta, f"{found} is not {wanted}")

    async def hash(self, webhook: Webhook) -> dict[str, str]:
        """All that the store has of it."""
        flat = await self.client.read("HGETALL", self.client.keys.webhook(webhook.id))
        return dict(zip(flat[::2], flat[1::2], strict=True))


def _stopped(deliverer: Deliverer) -> Deferred[None]:
    return Deferred.fromCoroutine(deliverer.stop())


NO_ANSWER = SendFailed("the connection was refused")
