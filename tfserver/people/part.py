"""People on terminals as a part of the server: the faces, and who does what takes long."""

from __future__ import annotations

from typing import Any, Final, Protocol

from twisted.internet.threads import deferToThread

from tfserver.commander import Commander
from tfserver.commands.context import Services
from tfserver.people import applying, converging, planner, restoring, sampling, scanning, taking
from tfserver.people.applying import Applying
from tfserver.people.asking import Asker
from tfserver.people.converging import Converging
from tfserver.people.copies import Copies
from tfserver.people.darkroom import Darkroom
from tfserver.people.enrolling import Enrolling
from tfserver.people.entering import Entering
from tfserver.people.entering import Means as ImportMeans
from tfserver.people.faces import Faces
from tfserver.people.forgetting import Forgetting, means_of
from tfserver.people.imports import KIND, Importing
from tfserver.people.localtime import clocks
from tfserver.people.looking import Looker
from tfserver.people.means import Means
from tfserver.people.packing import Incoming
from tfserver.people.planner import Planner
from tfserver.people.restoring import Restoring
from tfserver.people.sampling import Sampling
from tfserver.people.snapshots import SnapshotDesk
from tfserver.people.taking import Taking
from tfserver.people.turning import Turning
from tfserver.people.working import Worker
from tfserver.store.archive.database import Archive
from tfserver.store.client import Client
from tfserver.store.errands import Errands
from tfserver.store.people.directory import Directory
from tfserver.store.people.enrolments import Enrolments
from tfserver.store.people.groups import Groups
from tfserver.store.people.imports import Imports
from tfserver.store.people.plans import Plans
from tfserver.store.people.present import Present
from tfserver.store.people.readings import Readings
from tfserver.store.people.restorations import Restorations
from tfserver.store.people.snapshots import Snapshots
from tfserver.store.people.told import Told
from tfserver.store.people.turns import Turns
from tfserver.store.vault import Vault

ACTOR: Final = "server"
"""In whose name terminals are read."""
_PLANS_AT_ONCE: Final = 4
_TURNS: Final = "terminals"


class _Part(Protocol):
    async def start(self) -> None:
        """Do errands from now on."""

    async def stop(self) -> None:
        """Leave what is under way to others."""

    def heard(self, message: str) -> bool:
        """A wake-up; whether it was for this."""


class PeoplePart:
    """Everything about people on terminals."""

    def __init__(
        self,
        reactor: Any,
        services: Services,
        client: Client,
        vault: Vault,
        commander: Commander,
        archive: Archive,
    ) -> None:
        means = _means(reactor, services, client, vault, commander)
        planning, carrying, continuous, planners = _plans(client, means)
        self._samples, sampler = Errands(client, sampling.KIND), Sampling(reactor, means.holdings.rooms)
        enrolling, scanner = self._enrolment(services, client, vault, means)
        snapshots, copyists = self._snapshots(services, client, vault, means)
        forgetting = _forgetting(services, client, vault, commander, archive)
        importing, importer = _imports(services, client, vault, means, continuous)
        self._parts: list[_Part] = [
            forgetting,
            *(planners, carrying, continuous),
            Worker(reactor, self._samples, sampler.do, 1),
            *(scanner, *copyists, importer),
        ]
        self.faces = Faces(
            directory=means.directory,
            groups=means.groups,
            holdings=means.holdings,
            planning=planning,
            applying=carrying,
            continuous=continuous,
            enrolments=enrolling,
            photos=Darkroom(deferToThread),
            snapshots=snapshots,
            imports=importing,
            told=Told(client, vault),
            erasures=forgetting.desk,
            privacy=forgetting.retaining,
        )

    def _enrolment(
        self, services: Services, client: Client, vault: Vault, means: Means
    ) -> tuple[Enrolling, Worker]:
        settings, stores = services.settings, services.store
        kept = Enrolments(client, settings.people.report_days)
        errands = Errands(client, "enrolment")
        enrolling = Enrolling(settings, kept, errands, means.directory, means.holdings, stores.terminals)
        sources = scanning.Sources(
            settings=settings,
            enrolments=kept,
            directory=means.directory,
            holdings=means.holdings,
            users=stores.users,
            vault=vault,
            terminals=stores.terminals,
        )
        scanner = scanning.Scanning(sources, means.asker(ACTOR))
        return enrolling, Worker(means.reactor, errands, scanner.do, settings.people.at_once)

    def _snapshots(
        self, services: Services, client: Client, vault: Vault, means: Means
    ) -> tuple[SnapshotDesk, list[Worker]]:
        stores, settings = services.store, services.settings
        copies = Copies(
            snapshots=Snapshots(client, vault),
            restorations=Restorations(client),
            terminals=stores.terminals,
            holdings=means.holdings,
            present=means.present,
            users=stores.users,
            directory=means.directory,
            groups=means.groups,
        )
        asker, at_once = means.asker(ACTOR), settings.people.at_once
        taken, restored = Errands(client, taking.KIND), Errands(client, restoring.KIND)
        restorer = Restoring(asker, restored, copies, settings.profiles, _turning(client, means))
        incoming = Incoming(means.reactor, copies, vault)
        desk = SnapshotDesk(means.reactor, copies, vault, taken, restored, incoming, deferToThread)
        workers = [
            Worker(means.reactor, taken, Taking(asker, taken, copies).do, at_once),
            Worker(means.reactor, restored, restorer.do, at_once),
        ]
        return desk, workers

    async def start(self) -> None:
        """Do what is to be done."""
        await self._samples.add(sampling.KIND)
        for part in self._parts:
            await part.start()

    async def stop(self) -> None:
        """Leave it to others."""
        for part in reversed(self._parts):
            await part.stop()

    def heard(self, message: str) -> bool:
        """A wake-up from this or another process; whether it was about this."""
        return any(part.heard(message) for part in self._parts)


def _means(reactor: Any, services: Services, client: Client, vault: Vault, commander: Commander) -> Means:
    settings, stores = services.settings, services.store
    return Means(
        reactor=reactor,
        plans=Plans(client, settings.people),
        directory=Directory(client, vault),
        groups=Groups(client),
        holdings=stores.holdings,
        present=Present(client),
        looker=Looker(Asker(commander, ACTOR), stores.holdings),
        terminals=stores.terminals,
        commander=commander,
        settings=settings.people,
        profiles=settings.profiles,
        local_of=clocks(reactor, settings.terminals.timezone),
    )


def _forgetting(
    services: Services, client: Client, vault: Vault, commander: Commander, archive: Archive
) -> Forgetting:
    means, told = means_of(services, client, vault, commander, archive, archive), services.metrics.erasing
    return Forgetting(services.settings.privacy, services, client, vault, means, told)


def _turning(client: Client, means: Means) -> Turning:
    return Turning(Turns(client, _TURNS), means.plans, Restorations(client))


def _plans(client: Client, means: Means) -> tuple[Planner, Applying, Converging, Worker]:
    plans, turns = Errands(client, planner.KIND), Turns(client, _TURNS)
    planning = Planner(means, plans, Readings(client))
    carrying = Applying(means, Errands(client, applying.KIND), _turning(client, means))
    continuous = Converging(means, planning, carrying, Errands(client, converging.KIND), turns)
    return planning, carrying, continuous, Worker(means.reactor, plans, planning.do, _PLANS_AT_ONCE)


def _imports(
    services: Services, client: Client, vault: Vault, means: Means, continuous: Converging
) -> tuple[Importing, Worker]:
    kept, errands = Imports(client, vault, services.settings.people.report_days), Errands(client, KIND)
    rows = ImportMeans(
        means.reactor, kept, means.directory, means.groups, vault, services.pressure, continuous.touch
    )
    return Importing(means.reactor, kept, errands), Worker(means.reactor, errands, Entering(rows).do, 1)
