"""What speaks against a step of a plan at the moment when its turn comes.

Since it was made somebody may have left, been let in again, got another card, or come to the terminal by
another way: then the step is not done, and the next plan says what is right.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from tfserver.credentials import label_of
from tfserver.model import Terminal
from tfserver.people.carrying.steps import ACCEPTED
from tfserver.people.changing import another, change_of, has_name, is_there, stranger
from tfserver.people.desired import Wanted, choosing, wanted_of
from tfserver.people.fitting import Target, target_of
from tfserver.people.means import Means
from tfserver.person import Group, Held, HeldPerson, Known, Proof
from tfserver.plan import Item, ItemState, ItemView, Op, Options, digest_of

GROUNDS_SECONDS: Final = 5.0
"""How long groups and the terminal's place among them are taken for what they are."""
LATELY_SECONDS: Final = 2.0
MOST_LATELY: Final = 16
CHANGED: Final = "changed since the plan"
_UNPROVEN: Final = (ItemState.ORDERED, ACCEPTED)
"""It is so by now, as far as the terminal's answers say; its list says whether that is true."""
_PUT_BY_US: Final = "this server did not put it there"


class Grounds(NamedTuple):
    """What a terminal is at present, which groups choose it, and the time that it shows."""

    terminal: Terminal
    target: Target
    chosen: dict[str, Group]
    local: str


class Basis(NamedTuple):
    """Whoever a step is about, in the directory and at the terminal."""

    known: Known | None
    person: HeldPerson | None
    slots: Mapping[int, Held]


class Found(NamedTuple):
    """Whoever a step is about. ``verdict``: the step is not done but ends so, with words."""

    known: Known | None
    wanted: Wanted | None
    person: HeldPerson | None
    slots: Mapping[int, Held]
    verdict: tuple[ItemState, str] | None = None


class Checking:
    """Looks at one terminal."""

    def __init__(self, means: Means, sn: str, options: Options) -> None:
        self._means = means
        self._sn = sn
        self._options = options
        self._grounds: Grounds | None = None
        self._until = 0.0
        self._lately: dict[int, tuple[float, Basis]] = {}
        """People whose credentials are put just now, and when they were looked at."""

    async def grounds(self) -> Grounds | None:
        """What the terminal is, a few seconds old at most; None when there is no such terminal any more."""
        now = self._means.reactor.seconds()
        if self._grounds is None or now >= self._until:
            self._grounds = None
            terminal = await self._means.terminals.get(self._sn)
            if terminal is None:
                return None
            chosen = choosing(await self._means.groups.listing(), terminal)
            target = target_of(terminal, self._means.profiles)
            self._grounds = Grounds(terminal, target, chosen, self._means.local_of(terminal))
            self._until = now + GROUNDS_SECONDS
        return self._grounds

    async def grounds_now(self) -> Grounds | None:
        """The same, looked up anew."""
        self._grounds = None
        return await self.grounds()

    def forget(self, enrollid: int) -> None:
        """Something was learned about a person."""
        self._lately.pop(enrollid, None)

    async def _basis(self, item: Item) -> Basis:
        """Who it is, here and there. Of several credentials of a person that are put one after another only
        the first looks, as none of them changes what the others depend on."""
        now, enrollid = self._means.reactor.seconds(), item.enrollid
        if item.op is not Op.CREDENTIAL:
            self.forget(enrollid)
        looked, basis = self._lately.get(enrollid, (now, None))
        if basis is None or now >= looked + LATELY_SECONDS:
            known = await self._means.directory.get(enrollid)
            slots = () if item.backupnum is None else (item.backupnum,)
            basis = Basis(known, *await self._means.present.at(self._sn, enrollid, slots))
            if item.op is Op.CREDENTIAL:
                self._lately[enrollid] = now, basis
            if len(self._lately) > MOST_LATELY:
                del self._lately[next(iter(self._lately))]
        return basis

    async def found(self, view: ItemView) -> Found:
        """Whoever a step is about, and whether it still is to be done."""
        item = view.item
        grounds = await self.grounds()
        known, person, slots = await self._basis(item)
        if grounds is None:
            verdict = (ItemState.SKIPPED, "the terminal was deleted")
            return Found(known, None, person, slots, verdict)
        wanted = None if known is None else wanted_of(known, grounds.chosen, grounds.local)
        found = Found(known, wanted, person, slots)
        if item.op is Op.REMOVE:
            return found._replace(verdict=self._removal(grounds.target, found, view))
        return found._replace(verdict=_verdict(item, found, grounds.target.sn))

    def _removal(self, target: Target, found: Found, view: ItemView) -> tuple[ItemState, str] | None:
        person, wanted = found.person, found.wanted
        if person is None and not found.slots:
            return _UNPROVEN
        if wanted is not None:
            change = change_of(target, wanted, person, found.slots, self._options)
            return None if change.is_removed else (ItemState.SKIPPED, f"{CHANGED}: it belongs here by now")
        is_foreign = person is not None and (not person.ours or _is_another(found, target.sn))
        # who was listed again after the terminal said it had gone is the one whom we put there
        if is_foreign and self._options.foreign == "keep" and not view.order_id:
            return ItemState.SKIPPED, _PUT_BY_US
        return None


def _is_another(found: Found, sn: str) -> bool:
    known = found.known
    return known is not None and any(one.sn == sn and one.what == "name" for one in known.collisions)


def _verdict(item: Item, found: Found, sn: str) -> tuple[ItemState, str] | None:
    """The same for all but removals of persons."""
    wanted = found.wanted
    if wanted is None:
        return ItemState.SKIPPED, f"{CHANGED}: it does not belong here any more"
    judge = another if item.op is Op.CHECK else stranger
    words = judge(found.person, wanted.person, wanted.collisions, sn)
    if words is not None:
        return ItemState.SKIPPED, words
    if item.op in (Op.CHECK, Op.CREDENTIAL):
        return _of_slot(item, wanted, found, sn)
    if item.op is Op.REMOVE_CREDENTIAL:
        return _of_removal(item, wanted, found)
    if found.person is None:
        return ItemState.SKIPPED, "is not there"
    return _of_name(wanted, found.person) if item.op is Op.NAME else _of_lock(item, wanted, found.person)


def _of_slot(item: Item, wanted: Wanted, found: Found, sn: str) -> tuple[ItemState, str] | None:
    if item.op is Op.CHECK and not item.version:
        # only to learn who it is
        return None
    version = next((one.version for one in wanted.credentials if one.backupnum == item.backupnum), "")
    if version != item.version:
        return ItemState.SKIPPED, f"{CHANGED}: the directory has another one, or none"
    label = label_of(item.backupnum or 0)
    if any(one.sn == sn and one.what == label for one in wanted.collisions):
        return ItemState.SKIPPED, "another credential was made there in this slot"
    if not is_so(item, wanted, found.person, found.slots):
        return None
    is_read = found.slots[item.backupnum or 0].proof in (Proof.READ, Proof.RECOGNISED)
    return (ItemState.DONE, "it is there by now") if is_read else _UNPROVEN


def is_so(item: Item, wanted: Wanted, person: HeldPerson | None, slots: Mapping[int, Held]) -> bool:
    """Whether a terminal has a credential as it is to be, with the name and the admin level of its person."""
    held = slots.get(-1 if item.backupnum is None else item.backupnum)
    if held is None or person is None or not is_there(held) or held.version != item.version:
        return False
    has_level = person.admin in (None, wanted.person.admin)
    return has_level and (person.name is None or has_name(person.name, wanted.person.name))


def _of_removal(item: Item, wanted: Wanted, found: Found) -> tuple[ItemState, str] | None:
    if item.backupnum not in found.slots:
        return _UNPROVEN
    if any(one.backupnum == item.backupnum for one in wanted.credentials):
        return ItemState.SKIPPED, f"{CHANGED}: the directory has it by now"
    return None


def _of_name(wanted: Wanted, person: HeldPerson) -> tuple[ItemState, str] | None:
    has = person.name is not None and has_name(person.name, wanted.person.name)
    return (ItemState.DONE, "has that name by now") if has else None


def _of_lock(item: Item, wanted: Wanted, person: HeldPerson) -> tuple[ItemState, str] | None:
    if wanted.lock != item.lock:
        return ItemState.SKIPPED, f"{CHANGED}: it may pass at other times"
    return (ItemState.DONE, "is so by now") if person.lock == digest_of(item.lock) else None
