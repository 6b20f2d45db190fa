"""What stands in a server beside its terminals: people in groups, punches of some days, webhooks."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from tests.dashboard.places import HOSTILE, TAGS, Place
from tests.real.client import QUIET, RealClient, log
from tests.real.placed import PlacedServer

FIRST: Final = (
    "Ines",
    "Jonas",
    "Amina",
    "Noor",
    "Wei",
    "Priya",
    "João",
    "فاطمة",
    "محمد",
    "Zoë",
    "Łukasz",
    "Kim",
)
LAST: Final = (
    "Müller",
    "Haddad",
    "Al-Qahtani",
    "Costa",
    "Nguyen",
    "القحطاني",
    "Okafor",
    "O'Brien",
    "Li",
    "Sørensen",
)
GROUPS: Final = (
    ("staff", {"title": "Staff", "everywhere": True}),
    ("zurich", {"title": "Zürich", "sites": ["Zürich"]}),
    ("visitors", {"title": "Visitors of the week", "tags": [TAGS[3]]}),
    ("nobody", {"title": ""}),
)
A_BATCH: Final = 50
MOST_NAME: Final = 64
MOST_TALKING: Final = 6
CLOSED: Final = "http://127.0.0.1:9/in"
"""Nobody listens there: a webhook that fails."""
AN_HOUR: Final = timedelta(hours=1)


def name_of(enrollid: int) -> str:
    """A person's name; a few are such that a page has to be careful with them."""
    if enrollid <= len(HOSTILE):
        return HOSTILE[enrollid - 1][:MOST_NAME]
    return f"{FIRST[enrollid % len(FIRST)]} {LAST[enrollid % len(LAST)]}"


def enter_people(server: PlacedServer, count: int) -> None:
    """People of the directory, some with a card and a password, and the groups they are in."""
    for name, body in GROUPS if count else ():
        _ask(server, "PUT", f"/groups/{name}", body)
    for enrollid in range(1, count + 1):
        group = GROUPS[enrollid % 3][0]
        told = {"name": name_of(enrollid), "external_id": f"HR-{1000 + enrollid}", "groups": [group]}
        _ask(server, "PUT", f"/users/{enrollid}", told)
        if enrollid % 3 == 0:
            _ask(server, "PUT", f"/users/{enrollid}/credentials/11", {"record": 4_000_000 + 7907 * enrollid})
        if enrollid % 5 == 0:
            _ask(server, "PUT", f"/users/{enrollid}/credentials/10", {"record": f"{1000 + enrollid}"})


def enter_systems(server: PlacedServer) -> None:
    """Webhooks of which one fails and one is paused, and tokens of each role."""
    for kinds, sites in (([], []), (["punch"], ["Zürich"])):
        made = _ask(server, "POST", "/webhooks", {"url": CLOSED, "kinds": kinds, "sites": sites})
    _ask(server, "PATCH", f"/webhooks/{made['id']}", {"state": "paused"})
    for role in ("reader", "operator"):
        _ask(server, "POST", "/tokens", {"name": f"Payroll, {role}", "role": role, "sites": ["Zürich"]})


def push_history(server: PlacedServer, found: Sequence[Place], people: int, punches: int) -> int:
    """Let a few of these terminals come and push what was recorded in the last days; how many there were."""
    chance = random.Random(8)
    talking = [(place, _registered(server, place)) for place in found[:MOST_TALKING]]
    batches = max(1, punches // A_BATCH)
    pushed = 0
    for number in range(batches):
        place, client = talking[number % len(talking)]
        before = AN_HOUR * 48 * (batches - number) / batches
        records = list(_records(place, datetime.now(UTC) - before, people, chance))
        answer = client.ask(cmd="sendlog", count=len(records), logindex=pushed, record=records)
        assert answer["result"], answer
        pushed += len(records)
    for _, client in talking:
        client.shut()
    return pushed


def _registered(server: PlacedServer, place: Place) -> RealClient:
    client = server.client()
    client.habits.update(QUIET)
    now = _shown(place, datetime.now(UTC))
    assert client.register(place.sn, **{**place.devinfo, "time": now})["result"], place
    return client


def _records(place: Place, since: datetime, people: int, chance: random.Random) -> Iterable[dict[str, Any]]:
    for number in range(A_BATCH):
        when = since + number * AN_HOUR / A_BATCH
        enrollid = chance.randrange(1, people + 6)  # the last are in no directory
        more = {"mode": chance.choice((1, 3, 8)), "inout": chance.choice((0, 0, 1)), "event": 0}
        yield log(enrollid, _shown(place, when), **more)
        if number % 17 == 0:  # a double tap
            yield log(enrollid, _shown(place, when + timedelta(seconds=2)), **more)
        if number == 0:
            yield log(0, _shown(place, when), event=chance.choice((1, 2, 3)))
        if number == 1 and chance.random() < 0.2:
            yield log(enrollid, "2000-00-00 25:61:00")


def _shown(place: Place, when: datetime) -> str:
    return f"{when.astimezone(ZoneInfo(place.timezone)):%Y-%m-%d %H:%M:%S}"


def _ask(server: PlacedServer, method: str, path: str, body: Any) -> Any:
    status, answer = getattr(server, method.lower())(path, body)
    assert status in (200, 201, 202, 204), (path, status, answer)
    return answer
