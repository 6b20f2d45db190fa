"""Stand-ins for what the pages reach of people on terminals: one person, one group, and a terminal that has
both."""

from __future__ import annotations

from typing import Any

from tests.commands.pictures import stripes
from tests.gateway.stand_ins import Face
from tests.web.copied import Chunks, a_restoration, a_snapshot
from tests.web.erased import PLACE, TOLD
from tests.web.import_samples import imports
from tests.web.plans import a_head, a_plan, a_step, differences
from tests.web.samples import AT, ORDER_ID, SN
from tfserver.commands.photos import look_at
from tfserver.people.retaining import Due
from tfserver.person import Credential, Group, Held, HeldPerson, Holding, Known, Made, Person, Proof
from tfserver.plan import PlanState
from tfserver.store.people.enrolments import Enrolment, EnrolmentState
from tfserver.store.people.erasures import Report, Summary
from tfserver.store.people.groups import Moved
from tfserver.store.people.snapshots import SnapshotState

ENROLLID = 7
BACKUPNUM = 11
GROUP = "staff"


def a_person(**more: Any) -> Person:
    """Somebody of the directory."""
    told: dict[str, Any] = {"enrollid": ENROLLID, "name": "Ines M", "version": 1}
    told.update(created=AT, changed=AT)
    return Person(**{**told, **more})


def known(**more: Any) -> Known:
    """The same with a card."""
    return Known(a_person(**more), (Credential(BACKUPNUM, "v1", Made("T1", at=AT), 10),))


def a_group(**more: Any) -> Group:
    """A group for everywhere."""
    return Group(**{"name": GROUP, "everywhere": True, "version": 1, **more})


def a_holding(sn: str) -> Holding:
    """What a terminal has of that person."""
    held = Held(Proof.ACCEPTED, "v1", 5)
    return Holding(sn, None, {ENROLLID: HeldPerson(True, "Ines M", 0)}, {(ENROLLID, BACKUPNUM): held})


class Holdings(Face):
    """What terminals have, and their room."""

    rooms = Face(history={}, coming={})

    def now_ms(self) -> int:
        """The present."""
        return 1_775_117_704_000


def an_enrolment(**more: Any) -> Enrolment:
    """One that goes on."""
    told: dict[str, Any] = {
        "id": ORDER_ID,
        "sn": SN,
        "enrollid": 7,
        "backupnum": 0,
        "state": EnrolmentState.SCANNING,
        "scans": 2,
        "told": "scan 2 is done",
        "cancelling": False,
        "actor": "token o",
        "created": AT,
        "changed": AT,
        "until": AT,
        "ended": None,
    }
    return Enrolment(**{**told, **more})


class People:
    """``tfserver.people.faces.Faces`` of stand-ins."""

    def __init__(self) -> None:
        self.directory = Face(
            get=lambda enrollid: known() if enrollid == ENROLLID else None,
            many=lambda enrollids: [known() for enrollid in enrollids if enrollid == ENROLLID],
            page=lambda after, *_: [known()] if after < ENROLLID else [],
            collided=[],
            find=([known()], None),
            by_external_id=None,
            count=1,
            put=lambda person, *_: person,
            remove=lambda enrollid: enrollid == ENROLLID,
            put_credential=Credential(BACKUPNUM, "v1", Made(at=AT), 10),
            remove_credential=True,
            record=("3120457781", known().credentials[0]),
            adopt=True,
        )
        self.groups = Face(
            get=lambda name: a_group() if name == GROUP else None,
            listing=[a_group()],
            put=lambda group, *_: group,
            remove=lambda name: name == GROUP,
            members=[ENROLLID],
            count=1,
            counts=lambda names: dict.fromkeys(names, 1),
            page=[ENROLLID],
            change_members=Moved(1, 1, (), ()),
        )
        self.holdings = Holdings(of=a_holding, many={}, where=[])
        self.holdings.__dict__["now_ms"] = lambda: 1_775_000_000_000
        self.holdings.__dict__["rooms"] = Face(history={}, coming={})

        self._add_plans()
        self._add_enrolments()
        self._add_snapshots()
        self.imports = imports()
        self.told = Face(profiles=[], slots=[], opened=None, pictures=[])
        report = Report(**TOLD, places=[PLACE])
        self.erasures = Face(order=report, get=report, listing=([Summary(**TOLD)], None))
        self.privacy = Face(due=[Due(ENROLLID, "2026-01-01", 40)])

    def _add_plans(self) -> None:
        self.plans = Face(get=lambda plan_id: a_plan(SN) if plan_id == ORDER_ID else None)
        self.plans.given.update(terminals=[a_head()], listing=([a_plan(SN)], None), items=[a_step()])
        self.plans.given.update(terminal=a_head())
        self.planning = Face(plan=a_plan(SN), differences=differences())
        self.planning.__dict__["plans"] = self.plans

    def _add_enrolments(self) -> None:
        begun = an_enrolment(state=EnrolmentState.ASKED, scans=0)
        self.enrolments = Face(
            begin=begun,
            get=lambda enrolment_id: an_enrolment() if enrolment_id == ORDER_ID else None,
            listing=([an_enrolment()], None),
            cancel=an_enrolment(cancelling=True),
        )
        self.continuous = Face(touch=None)
        self.applying = Face(begin=a_plan(SN, state=PlanState.APPLYING), give_up=a_plan(SN))
        self.photos = Face(look_at=look_at(stripes(), 150_000), mend=None)

    def _add_snapshots(self) -> None:
        self.snapshots = Face(
            take=a_snapshot(state=SnapshotState.OPEN),
            one=a_snapshot(),
            listing=([a_snapshot()], None),
            restore=a_restoration(),
            replace=a_restoration(),
            upload=a_snapshot(),
            remove=None,
            restoration=a_restoration(),
            restorations_of=[a_restoration()],
        )
        self.snapshots.__dict__["outgoing"] = lambda *_: Chunks()

    @property
    def all(self) -> list[Face]:
        """All stand-ins."""
        return [
            *(self.directory, self.groups, self.holdings, self.plans, self.planning),
            *(self.enrolments, self.applying, self.snapshots, self.erasures, self.privacy),
            *(self.imports, self.told),
        ]
