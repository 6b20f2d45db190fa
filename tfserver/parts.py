"""The parts of a server, each started and stopped on its own."""

from __future__ import annotations

import random
import uuid
from typing import Any, Protocol

from twisted.internet import task
from twisted.logger import Logger

from tfserver.config import Settings
from tfserver.config import Webhooks as WebhookSettings
from tfserver.delivery.arrivals import Arrivals
from tfserver.delivery.sending import Sender
from tfserver.delivery.subscriber import Means
from tfserver.delivery.webhooks import Deliverer
from tfserver.gateway.listening import Door, listen
from tfserver.metrics import Metrics
from tfserver.store import secrets
from tfserver.store.archive.database import Archive
from tfserver.store.archive.place import archive_file, archive_url
from tfserver.store.client import Client
from tfserver.store.datafolder import DataFolder, private_folder
from tfserver.store.deliveries import Deliveries
from tfserver.store.embedded import EmbeddedStore
from tfserver.store.feed import Feed
from tfserver.store.masterkey import open_vault
from tfserver.store.principals import Role
from tfserver.store.tokens import Tokens, new_token
from tfserver.store.vault import Vault
from tfserver.web.site import Pages, Sources

ANSWER_SECONDS = 2.0
"""How long a stop waits for answers to people."""


class Part(Protocol):
    """Something that is started and stopped in order."""

    async def start(self) -> None:
        """Be ready, or raise StartError."""

    async def stop(self) -> None:
        """Let go."""


class StorePart:
    """The store: a server of our own, or one that the settings name."""

    _log = Logger()

    def __init__(self, reactor: Any, settings: Settings) -> None:
        self._reactor = reactor
        self._settings = settings
        self._folder: DataFolder | None = None
        self._embedded: EmbeddedStore | None = None
        self.client: Client
        self.vault: Vault
        self.description = ""

    async def start(self) -> None:
        """Connect to a store that is fit, with the master key at hand."""
        settings = self._settings.store
        url = settings.url or await self._start_embedded()
        words = secrets.store_password(self._settings), secrets.sentinel_password(self._settings)
        self.client = Client(self._reactor, url, words[0], settings, words[1])
        fitness = await self.client.start()
        self.vault = await open_vault(self.client, self._settings, self._folder)
        kind = "store" if settings.url else "embedded store"
        self.description = f"{kind} {self.client.address} ({fitness})"

    async def first_token(self, tokens: Tokens) -> None:
        """Accept the token in the data folder; only the embedded store makes one."""
        if self._folder is not None:
            made = self._folder.read_or_create_secret(
                secrets.ADMIN_TOKEN, lambda: f"{new_token()}\n".encode()
            )
            now = round(self._reactor.seconds() * 1000)
            if await tokens.add(made.decode().strip(), Role.ADMIN, now) is None:
                told = "the token in {file} was revoked; delete the file and a new one is made at the start"
                self._log.warn(told, file=self._folder.path / secrets.ADMIN_TOKEN)

    async def stop(self) -> None:
        """Disconnect, and end the server of our own."""
        if hasattr(self, "client"):
            await self.client.stop()
        if self._embedded is not None:
            await self._embedded.stop()
        if self._folder is not None:
            self._folder.release()

    async def _start_embedded(self) -> str:
        self._folder = DataFolder(self._settings.data_dir)
        self._embedded = EmbeddedStore(
            self._reactor,
            self._folder,
            self._settings.store.durability,
            self._settings.store.maxmemory_mb * 1024 * 1024,
        )
        return await self._embedded.start()


class ArchivePart:
    """Punches in SQL: a file in the data folder, or a database that the settings name."""

    def __init__(self, reactor: Any, settings: Settings) -> None:
        if not settings.archive.url:
            private_folder(archive_file(settings).parent)
        password = secrets.archive_password(settings)
        self.archive = Archive(reactor, archive_url(settings), settings.archive, password)

    async def start(self) -> None:
        """Open it; one by URL that is away is tried on while the server runs."""
        await self.archive.start()

    async def stop(self) -> None:
        """Let it go."""
        await self.archive.stop()


class DeliveryPart:
    """Webhooks, and the connections to their receivers."""

    def __init__(
        self, reactor: Any, settings: WebhookSettings, store: StorePart, feed: Feed, metrics: Metrics
    ) -> None:
        self._sender = Sender(reactor, settings)
        deliveries = Deliveries(store.client, store.vault, settings, uuid.uuid4().hex)
        arrivals = Arrivals(reactor, deliveries)
        means = Means(reactor, deliveries, feed, self._sender, arrivals, metrics, random.random)
        self._deliverer = Deliverer(means)

    async def start(self) -> None:
        """Deliver to what no other process delivers to."""
        await self._deliverer.start()

    async def stop(self) -> None:
        """Let requests that are under way end, and leave the rest to others."""
        await self._deliverer.stop()
        await self._sender.stop()


class WebPart:
    """The people's side."""

    def __init__(self, reactor: Any, settings: Settings, sources: Sources, door: Door) -> None:
        self._reactor = reactor
        self._door = door
        self._endpoint = settings.http.endpoint
        self._pages = Pages(reactor, sources, settings.http, settings.limits)
        self.listening: list[Any] = []

    async def start(self) -> None:
        """Listen."""
        site = self._pages.site()
        self.listening = [await listen(self._reactor, self._endpoint, site, "http.endpoint", self._door)]

    async def stop(self) -> None:
        """No more requests; those that are being answered get their answers."""
        for port in self.listening:
            await port.stopListening()
        requests, deadline = self._pages.desk.requests, self._reactor.seconds() + ANSWER_SECONDS
        while requests.taken and self._reactor.seconds() < deadline:
            await task.deferLater(self._reactor, 0.02)
