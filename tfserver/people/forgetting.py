"""Erasing people and keeping what is known of them no longer than allowed, as a part of the server."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from twisted.internet import task
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from tfserver.commander import Commander
from tfserver.commands.context import Services
from tfserver.config.privacy import Privacy
from tfserver.errors import StoreError
from tfserver.people.asking import Asker
from tfserver.people.clearing import Means
from tfserver.people.erasing import Erasing, ErasureDesk
from tfserver.people.repeating import Journal
from tfserver.people.retaining import AGAIN, DAILY, RETENTION, Retaining
from tfserver.people.visiting import Visiting
from tfserver.people.working import Worker
from tfserver.store.archive.database import Archive
from tfserver.store.client import Client
from tfserver.store.errands import Errands
from tfserver.store.people.directory import Directory
from tfserver.store.people.enrolments import Enrolments
from tfserver.store.people.erasures import ERASURE, VISIT, Erasures
from tfserver.store.people.imports import Imports
from tfserver.store.people.restorations import Restorations
from tfserver.store.people.snapshots import Snapshots
from tfserver.store.people.traces import Traces
from tfserver.store.vault import Vault

FIRST_SECONDS: Final = 300.0
"""The first retention of a new store is so long after the start."""
MEASURE_SECONDS: Final = 60.0
_ERASURES_AT_ONCE: Final = 4

Told = Callable[[int, float], None]
"""Told how many erasures are open, and how many seconds ago the first of them was ordered."""


class Forgetting:
    """``desk`` takes orders to erase people, ``retaining`` knows who is due."""

    _log = Logger()

    def __init__(
        self, privacy: Privacy, services: Services, client: Client, vault: Vault, means: Means, told: Told
    ) -> None:
        settings, reactor = services.settings, client.reactor
        self._client = client
        self._told = told
        self._erasures = means.erasures
        self.desk = ErasureDesk(means.erasures, settings.archive, privacy)
        faces = Directory(client, vault), means.erasures, means.traces, self.desk, means.journal
        self.retaining = Retaining(privacy, *faces)
        self._daily = Errands(client, RETENTION)
        self._workers = (
            Worker(reactor, means.errands, Erasing(means).do, _ERASURES_AT_ONCE),
            Worker(reactor, means.visits, Visiting(means).do, settings.people.at_once),
            Worker(reactor, self._daily, self.retaining.do, 1),
        )
        self._measuring = task.LoopingCall(self._measure)
        self._measuring.clock = reactor

    async def start(self) -> None:
        """Do errands from now on."""
        await self._daily.add(AGAIN)
        await self._daily.add(DAILY, seconds=FIRST_SECONDS)
        self._client.on_renewal(self._renewed)
        for worker in self._workers:
            await worker.start()
        self._measuring.start(MEASURE_SECONDS)

    async def stop(self) -> None:
        """Leave what is under way to others."""
        if self._measuring.running:
            self._measuring.stop()
        for worker in self._workers:
            await worker.stop()

    def heard(self, message: str) -> bool:
        """A wake-up; whether it was for this."""
        return any(worker.heard(message) for worker in self._workers)

    def _renewed(self) -> None:
        """The store may have lost what it was told last."""
        Deferred.fromCoroutine(self._daily.add(AGAIN)).addErrback(self._failed)

    def _failed(self, failure: Failure) -> None:
        """At the next start it is done."""
        failure.trap(StoreError)
        self._log.warn("erasures are not compared now: {why}", why=failure.getErrorMessage())

    async def _measure(self) -> None:
        try:
            standing = await self.desk.standing()
        except StoreError as away:
            self._log.debug("erasures can't be counted: {away}", away=str(away))
            return
        age = self._erasures.now_ms() - standing.oldest if standing.oldest else 0
        self._told(standing.open, max(0.0, age / 1000))


def means_of(
    services: Services,
    client: Client,
    vault: Vault,
    commander: Commander,
    archive: Archive,
    journal: Journal,
) -> Means:
    """What erasures are carried out with; ``journal`` is the archive too."""
    settings, stores = services.settings, services.store
    return Means(
        erasures=Erasures(client),
        traces=Traces(client),
        holdings=stores.holdings,
        terminals=stores.terminals,
        snapshots=Snapshots(client, vault),
        restorations=Restorations(client),
        enrolments=Enrolments(client, settings.people.report_days),
        imports=Imports(client, vault, settings.people.report_days),
        archive=archive,
        journal=journal,
        asker=Asker(commander, ERASURE),
        errands=Errands(client, ERASURE),
        visits=Errands(client, VISIT),
        enrolling=Errands(client, "enrolment"),
        image_hours=settings.punches.image_hours,
    )
