"""Composition root: picks the store, builds the parts, starts and stops them one after another."""

from __future__ import annotations

import atexit
import gc
import os
import sys
import time
import uuid
from typing import Any

from twisted.application import service
from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread
from twisted.logger import Logger

from tfserver.backfilling import Backfilling
from tfserver.commander import Commander
from tfserver.commands.context import Services, Stores
from tfserver.config import Settings
from tfserver.delivery.archiver import Archiver
from tfserver.delivery.names import Names
from tfserver.delivery.tidying import Tidying
from tfserver.delivery.watch import Watch
from tfserver.errors import TfserverError
from tfserver.gateway.fleet import host_and_port
from tfserver.gateway.listening import Door
from tfserver.gateway.pacing import MOST_UNFINISHED
from tfserver.gateway.service import Gateway
from tfserver.health import Health
from tfserver.metrics import Metrics
from tfserver.notify import Supervisor
from tfserver.openfiles import make_room
from tfserver.parts import ArchivePart, DeliveryPart, Part, StorePart, WebPart
from tfserver.people.part import PeoplePart
from tfserver.people.recognising import Recogniser
from tfserver.pressure import Gauge, Pressure
from tfserver.proxies import Proxies
from tfserver.signals import told_again
from tfserver.store.accounts import Accounts
from tfserver.store.archived import Archived
from tfserver.store.audit import Audit
from tfserver.store.backfills import Backfills
from tfserver.store.client import Client
from tfserver.store.events import Events
from tfserver.store.feed import Feed
from tfserver.store.inquiries import Inquiries
from tfserver.store.masterkey import KeyWatch
from tfserver.store.outbox import Outbox
from tfserver.store.passwords import Passwords
from tfserver.store.people.external_ids import ExternalIds
from tfserver.store.people.holdings import Holdings
from tfserver.store.principals import REVOKED
from tfserver.store.punches import Punches
from tfserver.store.sessions import Sessions
from tfserver.store.terminals import Terminals
from tfserver.store.tokens import Tokens
from tfserver.store.users import Users
from tfserver.store.vitals import Vitals
from tfserver.store.webhooks import Webhooks
from tfserver.web.site import Sources
from tfserver.wire.times import Present


class Server(service.Service):
    """The whole server; a start that fails ends the process with status 1."""

    _log = Logger()

    def __init__(self, reactor: Any, settings: Settings) -> None:
        self.settings = settings
        self.draining = False
        self._reactor = reactor
        self._parts: list[Part] = []
        self._starting: Deferred[None] | None = None
        self._supervisor = Supervisor(reactor)

    def startService(self) -> None:
        """Begin the start; it is over when the ready line is logged."""
        super().startService()
        self._starting = Deferred.fromCoroutine(self._start())
        self._starting.addErrback(self._refuse)

    def stopService(self) -> Deferred[None]:
        """Drain, then stop everything in the order against the start."""
        super().stopService()
        return Deferred.fromCoroutine(self._stop())

    async def _start(self) -> None:
        others = MOST_UNFINISHED + self.settings.http.connections
        room = make_room(self.settings.limits.connections, others)
        (self._log.info if room.is_enough else self._log.warn)("{room}", room=str(room))
        store = StorePart(self._reactor, self.settings)
        await self._begin(store)
        archive = ArchivePart(self._reactor, self.settings)
        await self._begin(archive)
        self.archive = archive.archive
        services = self._services(store)
        await self._begin(Gauge(self._reactor, services.pressure))
        await self._begin_archiving(store, services)
        feed = Feed(store.client, self.archive)
        hooks = self.settings.webhooks
        await self._begin(DeliveryPart(self._reactor, hooks, store, feed, services.metrics))
        tokens = Tokens(store.client)
        await store.first_token(tokens)
        stores = services.store
        self.commander = self._commander(store, services)
        self.people = PeoplePart(
            self._reactor, services, store.client, store.vault, self.commander, self.archive
        )
        self.gateway = Gateway(self._reactor, services)
        self._follow_generations(store.client, services.metrics)
        self.inquiries = Inquiries(store.client, stores.terminals.owner)
        self.gateway.answer(self.inquiries)
        door = Door(Proxies(self.settings.limits.trusted_proxies), services.metrics.turned_away)
        self.sessions = self._sessions(store.client, tokens)
        web = WebPart(self._reactor, self.settings, self._sources(store, services, tokens), door)
        owner = services.store.terminals.owner
        self.key_watch = KeyWatch(store.client, store.vault, stores.terminals)
        self.tokens = tokens
        channels = [store.client.keys.everybody, store.client.keys.wake(owner)]
        store.client.listen(channels, self._heard)
        # external ids before a punch can come
        for part in (self.external_ids, web, self.gateway, self.people):
            await self._begin(part)
        settle_memory()
        self._tell_ready(store, web, services.metrics)

    def _sessions(self, client: Client, tokens: Tokens) -> Sessions:
        self.accounts = Accounts(client, Passwords(deferToThread))
        return Sessions(client, tokens, self.accounts, self.settings.http.session_hours)

    def _commander(self, store: StorePart, services: Services) -> Commander:
        stores, settings = services.store, self.settings
        backfills = Backfilling(self._reactor, stores.outbox, Backfills(store.client), settings)
        faces = (stores.outbox, stores.terminals, settings, backfills, services.metrics, stores.holdings)
        return Commander(self._reactor, *faces)

    def _tell_ready(self, store: StorePart, web: WebPart, metrics: Metrics) -> None:
        self._log.info(
            "tfserver ready: terminals on {terminals}, people on {people}, {store}, archive {archive}, "
            "instance {instance}",
            terminals=", ".join(self.gateway.addresses()),
            people=", ".join(host_and_port(web.listening)),
            store=store.description,
            archive=self.archive.description,
            instance=self.settings.instance_name(),
        )
        self._supervisor.ready(lambda: f"{metrics.connections} connections of terminals")

    def _follow_generations(self, client: Client, metrics: Metrics) -> None:
        def renewed() -> None:
            """Another generation of the store."""
            metrics.store_generation = client.generation
            self.gateway.fleet.renew()

        metrics.store_generation = client.generation
        client.on_renewal(renewed)

    def _services(self, store: StorePart) -> Services:
        # A process started again under its old name must not inherit what that one held.
        owner = f"{self.settings.instance_name()}/{uuid.uuid4().hex[:8]}"
        stores = Stores(
            Terminals(store.client, self.settings.admission, owner),
            Punches(
                self._reactor,
                store.client,
                self.settings.punches,
                self.archive.known,
                store.vault.seal_picture,
            ),
            Users(store.client, store.vault, adopt=self.settings.people.adopt),
            Outbox(store.client, store.vault, self.settings.orders, owner),
            Holdings(store.client),
            store.vault.version_of,
        )
        metrics, limits = Metrics(), self.settings.limits
        metrics.started = self._reactor.seconds()
        punches, users, terminals = stores.punches, stores.users, stores.terminals
        queues = (lambda: max(punches.fullness, users.fullness), lambda: terminals.waiting)
        pressed = Pressure(metrics, limits.memory_mb, *queues)
        self.external_ids = ExternalIds(self._reactor, store.client)
        known = self.external_ids.by_person
        return Services(
            stores, self.settings, metrics, Present(time.time), pressure=pressed, external_ids=known
        )

    def _sources(self, store: StorePart, services: Services, tokens: Tokens) -> Sources:
        return Sources(
            terminals=services.store.terminals,
            punches=services.store.punches,
            tokens=tokens,
            sessions=self.sessions,
            accounts=self.accounts,
            commander=self.commander,
            audit=Audit(store.client),
            events=Events(store.client),
            metrics=services.metrics,
            pressure=services.pressure,
            unready=lambda: None if store.client.ready else f"store: {store.client.problem}",
            draining=lambda: self.draining,
            webhooks=Webhooks(store.client, store.vault, self.settings.webhooks),
            names=Names(self._reactor, self.settings.webhooks.allow_private),
            feed=Feed(store.client, self.archive),
            archive=self.archive,
            inquiries=self.inquiries,
            people=self.people.faces,
            zone=self.settings.terminals.timezone,
            settings=self.settings,
            health=Health(
                self._reactor,
                Vitals(store.client, self.settings.store),
                self.inquiries,
                self.archive,
                self.settings.archive,
                services.pressure,
                services.metrics,
                services.store.terminals.owner,
                self.settings.limits.memory_mb,
                lambda: self.draining,
            ),
        )

    async def _begin_archiving(self, store: StorePart, services: Services) -> None:
        settings, metrics = self.settings.archive, services.metrics
        archived = Archived(store.client, settings, uuid.uuid4().hex)
        watch = Watch(self._reactor, self.archive, archived, metrics)
        tidying = Tidying(self.archive, archived, services.store.terminals, watch, settings)
        await self._begin(watch)
        learn = Recogniser(self._reactor, services.store.holdings).learn
        await self._begin(Archiver(self._reactor, self.archive, archived, tidying, metrics, learn))

    def _heard(self, channel: str, message: str) -> None:
        """A wake-up from this or another process."""
        if message.startswith("ended "):
            self.commander.woken(message)
        elif message == REVOKED:
            self.tokens.forget()
            self.accounts.forget()
            self.sessions.forget()
        elif any(
            one.heard(message) for one in (self.inquiries, self.key_watch, self.external_ids, self.people)
        ):
            return
        else:
            self.gateway.fleet.woken(channel, message)

    async def _begin(self, part: Part) -> None:
        self._parts.append(part)
        await part.start()

    async def _stop(self) -> None:
        self.draining = True
        self._supervisor.stopping()
        if self._starting is not None:
            self._starting.cancel()
        with told_again(self._reactor, self._hurry):
            if hasattr(self, "gateway"):
                await self.gateway.drain()
            if hasattr(self, "commander"):
                self.commander.release()
            for part in reversed(self._parts):
                await part.stop()
        self._parts.clear()

    def _hurry(self) -> None:
        if hasattr(self, "gateway"):
            self.gateway.fleet.draining.hurry()

    def _refuse(self, failure: Any) -> None:
        if self.draining:
            return
        if failure.check(TfserverError):
            self._supervisor.failed(str(failure.value))
            self._log.critical("tfserver can't start: {reason}", reason=str(failure.value))
        else:
            self._log.failure("tfserver can't start: our own mistake", failure=failure)
        # twistd itself always ends with status 0; this runs after all its own endings.
        atexit.register(_exit_with_failure)
        self._reactor.callWhenRunning(self._reactor.stop)


def settle_memory() -> None:
    """Keep the collector of cycles away from what lives as long as the process, and let it look less often.

    Connections and requests of ours leave no cycles behind, so it finds next to nothing.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 50, 100)


def _exit_with_failure() -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(1)
