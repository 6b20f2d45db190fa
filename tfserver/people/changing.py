"""What differs of one person between a terminal and what is wanted there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from tfserver.commands.fields import MOST_ZONE, name_problems, person_problems
from tfserver.commands.people import DELETABLE
from tfserver.credentials import kind_of, label_of, slots_of
from tfserver.people.desired import Wanted
from tfserver.people.fitting import USER, Target
from tfserver.people.portable import refusal
from tfserver.person import UNSURE, Collision, Credential, Held, HeldPerson, Person, Proof
from tfserver.plan import Item, Lock, Op, Options, Reason, digest_of
from tfserver.store.people.names import folded

MOST_GROUP: Final = 9
"""Numbers of lock groups are digits (protocol §5.4)."""
CUT_AT: Final = ((21, 24), (61, 64))
"""Between so many bytes are names that a terminal cut to what it takes (protocol §2.2)."""
OF_A_PERSON: Final = "name"
"""What the collision of whole persons is about; others are about a slot."""


@dataclass(slots=True)
class Change:
    """What is to be done about one person. ``puts`` take no more room than there is taken, ``new`` do.
    ``obsolete`` are slots to be deleted before anything else, ``late`` once it is known who it is."""

    enrollid: int
    checks: list[Item] = field(default_factory=list)
    late: list[Item] = field(default_factory=list)
    puts: list[Item] = field(default_factory=list)
    new: list[Item] = field(default_factory=list)
    name: Item | None = None
    admin: Item | None = None
    lock: Item | None = None
    refusals: list[Item] = field(default_factory=list)
    obsolete: tuple[int, ...] = ()
    needed: dict[str, int] = field(default_factory=dict)
    is_there: bool = False
    is_removed: bool = False

    @property
    def credentials(self) -> list[Item]:
        """What is read and put, in this order."""
        with_name = self.puts + self.new
        alone = [self.admin] if self.admin is not None and not with_name else []
        return [*self.checks, *self.late, *with_name, *alone]

    @property
    def naming(self) -> Item | None:
        """A change of the name that comes along with nothing else."""
        return None if self.puts or self.new or self.admin else self.name

    @property
    def locking(self) -> Item | None:
        """What becomes of its lock, if it is there then."""
        return self.lock if self.is_there or self.new else None

    def refuse_new(self, why: Item) -> None:
        """Nothing new of it is put."""
        self.refusals.append(why)
        self.new, self.needed = [], {}

    def refuse(self, reason: Reason, why: str, backupnum: int | None = None) -> None:
        """Something of it can't be there."""
        self.refusals.append(refused(self.enrollid, reason, why, backupnum))


def refused(enrollid: int, reason: Reason, why: str, backupnum: int | None = None) -> Item:
    """A step that can't be done."""
    return Item(0, Op.CREDENTIAL, enrollid, backupnum=backupnum, why=why, refused=reason)


def change_of(
    target: Target,
    wanted: Wanted,
    person: HeldPerson | None,
    slots: Mapping[int, Held],
    options: Options,
) -> Change:
    """What is to be done about somebody who is wanted, whatever room there is."""
    change = Change(wanted.person.enrollid, is_there=person is not None)
    words = another(person, wanted.person, wanted.collisions, target.sn)
    if words is not None:
        change.refuse(Reason.COLLISION, words)
        return change
    is_known = person is None or not is_unknown(person)
    obsolete = _obsolete(change, wanted, person, slots, options)
    if is_known:
        change.obsolete = obsolete
    else:
        change.late = [removal(change.enrollid, n) for n in obsolete]
    problem = _problem(wanted)
    if problem is not None:
        change.refuse(*problem)
    else:
        _compare(change, target, wanted, person, slots, options)
    _check_who(change, person, slots)
    return change


def another(
    person: HeldPerson | None, wanted: Person, collisions: Sequence[Collision], sn: str
) -> str | None:
    """Why the one with this number at a terminal is somebody else than is meant, or None when it may be the
    same."""
    if is_collided(collisions, sn):
        return "somebody else has this number there"
    if person is None or person.ours or person.name is None:
        return None
    theirs, meant = _plain(person.name), _plain(wanted.name)
    if not theirs or not meant or is_cut(person.name, wanted.name) or theirs == meant:
        return None
    if folded(person.name) == wanted.was:
        return None
    return "somebody with another name has this number there"


def stranger(
    person: HeldPerson | None, wanted: Person, collisions: Sequence[Collision], sn: str
) -> str | None:
    """Why nothing may be changed of the one with this number at a terminal, or None: it is the one meant."""
    if person is not None and is_unknown(person) and not is_collided(collisions, sn):
        return "nobody knows who has this number there"
    return another(person, wanted, collisions, sn)


def is_collided(collisions: Sequence[Collision], sn: str) -> bool:
    """Whether a terminal has somebody else under this number."""
    return any(one.sn == sn and one.what == OF_A_PERSON for one in collisions)


def _is_another(collisions: Sequence[Collision], sn: str, backupnum: int) -> bool:
    """Whether another credential was made at a terminal in this slot."""
    return any(one.sn == sn and one.what == label_of(backupnum) for one in collisions)


def is_unknown(person: HeldPerson) -> bool:
    """Whether somebody is there of whom only the number is known."""
    return not person.ours and person.name is None


def is_there(held: Held) -> bool:
    """Whether a slot is taken for certain, and not only told to be."""
    return held.proof not in (Proof.KNOWN, Proof.SENT)


def is_cut(theirs: str, meant: str) -> bool:
    """Whether a name is what a terminal leaves of a longer one."""
    size = len(theirs.encode())
    is_short = any(least <= size <= most for least, most in CUT_AT)
    return is_short and theirs != meant and meant.startswith(theirs)


def has_name(theirs: str, meant: str) -> bool:
    """Whether somebody is called as it is to be; without a name in the directory any will do."""
    return not meant.strip() or theirs.strip() == meant.strip() or is_cut(theirs, meant)


def removal(enrollid: int, backupnum: int) -> Item:
    """A slot is deleted."""
    why = "the directory does not have it"
    return Item(0, Op.REMOVE_CREDENTIAL, enrollid, backupnum=backupnum, why=why)


def _plain(name: str) -> str:
    return name.strip().casefold()


def _problem(wanted: Wanted) -> tuple[Reason, str] | None:
    """What no terminal takes of a person."""
    person, lock = wanted.person, wanted.lock or Lock()
    if person.enrollid < 1 or person_problems("", person.enrollid):
        return Reason.PERSON, "nobody can have this number"
    for _, words in name_problems("", person.name):
        return Reason.PERSON, f"its name can't be told: {words}"
    if max(lock.weekzone, lock.weekzone2, lock.weekzone3, lock.weekzone4) > MOST_ZONE:
        return Reason.ZONE, f"its access names a week zone beyond {MOST_ZONE}"
    if lock.group > MOST_GROUP:
        return Reason.ZONE, f"its access names a lock group beyond {MOST_GROUP}"
    return None


def _obsolete(
    change: Change,
    wanted: Wanted,
    person: HeldPerson | None,
    slots: Mapping[int, Held],
    options: Options,
) -> tuple[int, ...]:
    """Slots that the directory does not have. Without being told only those go that this server put there:
    what was made there and not read yet is not ours."""
    known = {one.backupnum for one in wanted.credentials}
    is_ours = person is None or person.ours
    found = [
        n
        for n, held in sorted(slots.items())
        if n not in known and ((is_ours and held.version) or options.foreign == "remove")
    ]
    for n in found:
        if n not in DELETABLE:
            change.refuse(Reason.SLOT, f"no terminal deletes a {label_of(n)} alone", n)
    return tuple(n for n in found if n in DELETABLE)


def _compare(
    change: Change,
    target: Target,
    wanted: Wanted,
    person: HeldPerson | None,
    slots: Mapping[int, Held],
    options: Options,
) -> None:
    for credential in sorted(wanted.credentials, key=lambda one: one.backupnum):
        _slot(change, target, wanted, credential, slots.get(credential.backupnum), options)
    goes = {*change.obsolete, *(item.backupnum for item in change.late)}
    stays = any(is_there(held) and n not in goes for n, held in slots.items())
    if not stays and not change.new:
        change.refuse(Reason.NOTHING, "no credential that fits")
        # what has nothing left is as good as gone, and some terminals keep the name
        change.is_removed = person is not None and person.ours
        return
    if change.new and person is None:
        change.needed[USER] = 1
    if person is not None:
        _name(change, wanted, person)
        _admin(change, target, wanted, person, slots)
    told = "" if person is None else person.lock
    if not stays and wanted.lock is not None:
        # with the last credential of before a terminal may forget the person, and when it may pass
        told = ""
    _lock(change, target, wanted, person, told)


def _slot(
    change: Change,
    target: Target,
    wanted: Wanted,
    credential: Credential,
    held: Held | None,
    options: Options,
) -> None:
    n, version = credential.backupnum, credential.version
    if wanted.collisions and _is_another(wanted.collisions, target.sn, n):
        change.refuse(Reason.COLLISION, "another credential was made there in this slot", n)
        return
    no = refusal(target, credential)
    if held is None or not is_there(held):
        why = "missing" if held is None else "not known whether it arrived"
        if no is not None:
            change.refuse(*no, n)
            return
        change.new.append(Item(0, Op.CREDENTIAL, change.enrollid, backupnum=n, version=version, why=why))
        kind = kind_of(n)
        change.needed[kind] = change.needed.get(kind, 0) + 1
    elif held.version not in ("", version):
        if no is not None:
            change.refuse(*no, n)
            return
        why = "nobody knows which one is there" if held.version == UNSURE else "another one is there"
        change.puts.append(Item(0, Op.CREDENTIAL, change.enrollid, backupnum=n, version=version, why=why))
    elif not held.version and options.verify == "records" and no is None:
        why = "what stands there is not known"
        change.checks.append(Item(0, Op.CHECK, change.enrollid, backupnum=n, version=version, why=why))


def _name(change: Change, wanted: Wanted, person: HeldPerson) -> None:
    meant = wanted.person.name
    if not meant.strip() or (person.name is not None and has_name(person.name, meant)):
        return
    if person.name is None and not (change.checks or person.ours or is_unknown(person)):
        return
    why = "has another name there" if person.name is not None else "its name there is not known"
    change.name = Item(0, Op.NAME, change.enrollid, why=why)


def _admin(
    change: Change, target: Target, wanted: Wanted, person: HeldPerson, slots: Mapping[int, Held]
) -> None:
    """It is told with a credential only, so that one that is there already is put again."""
    if person.admin in (None, wanted.person.admin) or change.checks or change.puts:
        # a check that finds it puts what it checked
        return
    fits = [
        one
        for one in wanted.credentials
        if one.backupnum in slots
        and is_there(slots[one.backupnum])
        and slots[one.backupnum].version == one.version
        and refusal(target, one) is None
        and not _is_another(wanted.collisions, target.sn, one.backupnum)
    ]
    if fits:
        one = min(fits, key=lambda one: (one.bytes, one.backupnum))
        why = "has another admin level there"
        change.admin = Item(
            0, Op.CREDENTIAL, change.enrollid, backupnum=one.backupnum, version=one.version, why=why
        )
    elif not change.new:
        change.refuse(Reason.PERSON, "its admin level is told with a credential only, and none can be put")


def _lock(change: Change, target: Target, wanted: Wanted, person: HeldPerson | None, told: str) -> None:
    lock = wanted.lock
    if (not told and lock is None) or (told and told == digest_of(lock)):
        return
    if lock is None and person is not None and not (person.ours or target.zones):
        return
    if lock is None:
        change.lock = Item(0, Op.UNLOCK, change.enrollid, why="may always pass")
    else:
        why = "may pass at other times there" if told else "may not pass always"
        change.lock = Item(0, Op.LOCK, change.enrollid, lock=lock, why=why)


def _check_who(change: Change, person: HeldPerson | None, slots: Mapping[int, Held]) -> None:
    """Nothing is changed of somebody before it is known who that is."""
    if person is None or not is_unknown(person) or change.checks:
        return
    if not (change.credentials or change.lock):
        change.name = None
        return
    asked = next((n for n, held in sorted(slots.items()) if is_there(held) and slots_of(n)), None)
    if asked is not None:
        why = "nobody knows who has this number there"
        change.checks.append(Item(0, Op.CHECK, change.enrollid, backupnum=asked, why=why))
        return
    change.refuse(Reason.COLLISION, "nobody can learn who has this number there: it has no credential")
    change.late, change.puts, change.admin, change.name, change.lock = [], [], None, None, None
    change.new, change.needed = [], {}
