"""``/snapshots``: what terminals had, giving it back, and one terminal in the place of another."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from http import HTTPStatus
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from tfserver.model import SN_PATTERN, canonical_sn
from tfserver.people.snapshots import NoSuchSnapshot, NotPossible, SnapshotDesk
from tfserver.store.people.restorations import Restoration, What
from tfserver.store.people.snapshot_file import LEAST_PASSPHRASE, FileError
from tfserver.store.people.snapshots import Snapshot
from tfserver.web import exports
from tfserver.web.answer import Answer, Streamed
from tfserver.web.call import Call
from tfserver.web.paging import page_at
from tfserver.web.problem import Problem, bad_input
from tfserver.web.query import CURSOR, LIMIT
from tfserver.web.route import Header

MEDIA: Final = "application/octet-stream"
MOST_FILE: Final = 32 * 1024 * 1024
PARAMETERS: Final = (LIMIT, CURSOR)
PASSPHRASE: Final = Header(
    "Snapshot-Passphrase",
    f"opens or seals the file: {LEAST_PASSPHRASE} to 200 visible ASCII characters and spaces. Without it "
    "only this server opens the file",
    f"[ -~]{{{LEAST_PASSPHRASE},200}}",
)
_WHAT: Final[tuple[What, ...]] = ("settings", "zones", "people")

Sn = Annotated[str, Meta(pattern=f"^{SN_PATTERN.pattern}$")]
SnapshotId = Annotated[str, Meta(pattern="^[a-z0-9]{2,64}$")]


class RestoreBody(msgspec.Struct, forbid_unknown_fields=True):
    """Which snapshot a terminal gets, and what of it. ``confirm`` is the terminal's serial number."""

    snapshot: SnapshotId
    confirm: Sn
    what: Annotated[tuple[What, ...], Meta(min_length=1, max_length=3)] = _WHAT


class ReplaceBody(msgspec.Struct, forbid_unknown_fields=True):
    """Which terminal it replaces, and whether that one is denied then. ``confirm`` is the terminal's own
    serial number."""

    of: Sn
    confirm: Sn
    deny: bool = False


class SnapshotPage(msgspec.Struct, frozen=True):
    """Snapshots, newest first; ``next`` is null at the end."""

    snapshots: list[Snapshot]
    next: str | None


class RestorationList(msgspec.Struct, frozen=True):
    """The newest restorations of a terminal."""

    restorations: list[Restoration]


class FileBody:
    """A file of a snapshot, as it was given out."""

    most_bytes = MOST_FILE
    name = "Snapshot_file"
    media = MEDIA

    def read(self, data: bytes) -> bytes:
        """As it came: whether it opens is seen later."""
        if not data:
            raise bad_input("body", "expected the file of a snapshot")
        return data


def desk_of(call: Call) -> SnapshotDesk:
    """Who knows about snapshots."""
    people: Any = call.sources.people
    found: SnapshotDesk = people.snapshots
    return found


@contextlib.contextmanager
def _told() -> Iterator[None]:
    """What can't be done is a Problem."""
    try:
        yield
    except NoSuchSnapshot as missing:
        raise Problem(HTTPStatus.NOT_FOUND, str(missing)) from missing
    except NotPossible as why:
        raise Problem(HTTPStatus.CONFLICT, str(why)) from why
    except FileError as wrong:
        raise bad_input("body", str(wrong)) from wrong


async def take(call: Call) -> Answer:
    """Begin a snapshot of a terminal."""
    with _told():
        made = await desk_of(call).take(call.path["sn"], call.actor)
    await call.note("done", {"snapshot": made.id})
    return Answer(made, HTTPStatus.ACCEPTED, {"Location": f"/api/v1/snapshots/{made.id}"})


async def listing(call: Call) -> SnapshotPage:
    """Snapshots of a terminal, the newest first."""
    query = call.query
    asked = desk_of(call).listing(call.path["sn"], query["limit"], query["cursor"])
    return SnapshotPage(*await page_at(query["cursor"], asked))


async def one(call: Call) -> Snapshot:
    """How much is in a snapshot, and how far it is; Problem 404."""
    with _told():
        return await desk_of(call).one(call.path["id"])


async def file(call: Call) -> Answer | Streamed:
    """A snapshot as an encrypted file."""
    with _told():
        found = await desk_of(call).one(call.path["id"])
    named = {"Content-Disposition": f'attachment; filename="{canonical_sn(found.sn)}-{found.id}.snapshot"'}
    passphrase = _passphrase(call)
    if call.is_head:
        return Answer(b"", headers=named, media=MEDIA)
    outgoing: Any = desk_of(call).outgoing(found, passphrase)
    lock = "passphrase" if passphrase else "master key"
    await call.note("done", {"snapshot": found.id, "people": found.people, "sealed by": lock}, found.sn)
    return await exports.send(call, outgoing, "", b"", {"Content-Type": MEDIA, **named})


def _passphrase(call: Call) -> str:
    """The passphrase, empty without one; nothing is said of one that does not do."""
    given = call.header(PASSPHRASE.name)
    if given and not (LEAST_PASSPHRASE <= len(given) <= 200 and given.isascii() and given.isprintable()):
        told = f"expected {LEAST_PASSPHRASE} to 200 visible ASCII characters and spaces"
        raise bad_input(PASSPHRASE.name, told)
    return given


async def upload(call: Call) -> Answer:
    """Take the file of a snapshot."""
    with _told():
        made = await desk_of(call).upload(call.body, _passphrase(call), call.actor)
    await call.note("done", {"snapshot": made.id}, made.sn)
    return Answer(made, HTTPStatus.ACCEPTED, {"Location": f"/api/v1/snapshots/{made.id}"})


async def remove(call: Call) -> Answer:
    """Forget a snapshot; Problem 404."""
    with _told():
        found = await desk_of(call).one(call.path["id"])
        await desk_of(call).remove(found)
    await call.note("done", {"snapshot": found.id}, found.sn)
    return Answer(status=HTTPStatus.NO_CONTENT)


async def restore(call: Call) -> Answer:
    """Begin to give a terminal what a snapshot has."""
    wanted: RestoreBody = call.body
    sn = call.path["sn"]
    _check_confirmed(sn, wanted.confirm)
    with _told():
        found = await desk_of(call).one(wanted.snapshot)
        await _check_sees(call, found.sn, f"there is no snapshot {wanted.snapshot}")
        what = tuple(one for one in _WHAT if one in wanted.what)
        made = await desk_of(call).restore(sn, found.id, what, call.actor)
    await call.note("done", {"restoration": made.id, "snapshot": found.id, "what": [*what]})
    return _begun(made)


async def replace(call: Call) -> Answer:
    """Begin to let a terminal replace another."""
    wanted: ReplaceBody = call.body
    sn = call.path["sn"]
    _check_confirmed(sn, wanted.confirm)
    await _check_sees(call, wanted.of, f"nothing is known of a terminal '{wanted.of}'")
    with _told():
        made = await desk_of(call).replace(sn, wanted.of, wanted.deny, call.actor)
    await call.note("done", {"restoration": made.id, "of": made.of, "deny": made.deny})
    return _begun(made)


def _begun(made: Restoration) -> Answer:
    where = f"/api/v1/terminals/{made.sn}/restorations/{made.id}"
    return Answer(made, HTTPStatus.ACCEPTED, {"Location": where})


async def restoration(call: Call) -> Restoration:
    """What came of a restoration, step by step; Problem 404."""
    with _told():
        found = await desk_of(call).restoration(call.path["id"])
    if canonical_sn(found.sn) != canonical_sn(call.path["sn"]):
        raise Problem(HTTPStatus.NOT_FOUND, f"there is no restoration {call.path['id']}")
    return found


async def restorations(call: Call) -> RestorationList:
    """The newest restorations of a terminal."""
    return RestorationList(await desk_of(call).restorations_of(call.path["sn"], call.query["limit"]))


def _check_confirmed(sn: str, confirm: str) -> None:
    if canonical_sn(sn) != canonical_sn(confirm):
        raise bad_input("confirm", "expected the terminal's serial number: this can't be undone")


async def _check_sees(call: Call, sn: str, told: str) -> None:
    """Whoever is bound to sites takes nothing from terminals elsewhere."""
    if not call.sees((await call.sources.terminals.decided(sn)).site):
        raise Problem(HTTPStatus.NOT_FOUND, told)
