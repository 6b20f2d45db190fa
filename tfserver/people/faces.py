"""People on terminals as those see them who show them and take orders about them."""

from __future__ import annotations

from dataclasses import dataclass

from tfserver.people.applying import Applying
from tfserver.people.converging import Converging
from tfserver.people.darkroom import Darkroom
from tfserver.people.enrolling import Enrolling
from tfserver.people.erasing import ErasureDesk
from tfserver.people.imports import Importing
from tfserver.people.planner import Planner
from tfserver.people.retaining import Retaining
from tfserver.people.snapshots import SnapshotDesk
from tfserver.store.people.directory import Directory
from tfserver.store.people.groups import Groups
from tfserver.store.people.holdings import Holdings
from tfserver.store.people.told import Told


@dataclass(frozen=True, slots=True)
class Faces:
    """What there is to ask: who is in the directory, which groups there are, what terminals have; what is to
    be done at them, and doing it; enrolling somebody there, looking at photos, and copying what
    a terminal has."""

    directory: Directory
    groups: Groups
    holdings: Holdings
    planning: Planner
    applying: Applying
    continuous: Converging
    enrolments: Enrolling
    photos: Darkroom
    snapshots: SnapshotDesk
    imports: Importing
    told: Told
    erasures: ErasureDesk
    privacy: Retaining
