"""``/people/{enrollid}``: one person, its credentials, and how far each is proven at which terminal."""

from __future__ import annotations

from typing import Final, NamedTuple

from tfserver.credentials import CARD, PASSWORD, PHOTO
from tfserver.model import canonical_sn
from tfserver.person import Proof
from tfserver.web.answer import Answer
from tfserver.web.api import users as api
from tfserver.web.call import Call
from tfserver.web.dashboard.people import words
from tfserver.web.dashboard.people.frame import HERE, show_inside
from tfserver.web.query import integer
from tfserver.web.shapes_people import PersonThere

PAGE: Final = 50
PARAMETERS: Final = (integer("page", "which page of its terminals", 1, 100_000, 1),)
_UNPROVEN: Final = (Proof.KNOWN, Proof.SENT, Proof.LISTED)


class There(NamedTuple):
    """A terminal that has the person: what people call it, and what it has."""

    name: str
    person: PersonThere


async def person(call: Call) -> Answer:
    """Somebody of the directory; Problem 404."""
    known = await api.one(call)
    names = {canonical_sn(each.terminal.sn): each.terminal.name for each in await call.desk.roll.all()}

    def name_of(sn: str) -> str:
        """What people call a terminal, empty when they don't."""
        return names.get(canonical_sn(sn), "")

    held = sorted(known.terminals, key=_matters)
    pages = max(1, -(-len(held) // PAGE))
    number = min(call.query["page"], pages)
    shown = held[(number - 1) * PAGE : number * PAGE]
    groups = await call.sources.people.groups.listing()
    return show_inside(
        call,
        "person.html",
        HERE,
        person=known,
        terminals=[There(name_of(each.sn), each) for each in shown],
        name_of=name_of,
        count=len(held),
        number=number,
        pages=pages,
        groups=[group.name for group in groups],
        told=words,
        slots={"card": CARD, "password": PASSWORD, "photo": PHOTO},
    )


def _matters(there: PersonThere) -> tuple[bool, str]:
    """Where something is not proven, or is otherwise than in the directory, stands first."""
    is_fine = all(one.same is not False and one.proof not in _UNPROVEN for one in there.credentials)
    return is_fine, there.sn
