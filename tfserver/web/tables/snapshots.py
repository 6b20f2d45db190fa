"""What can be asked about snapshots of terminals, and about giving them back."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from tfserver.store.people.restorations import Restoration
from tfserver.store.people.snapshots import Snapshot
from tfserver.web.api import snapshots
from tfserver.web.body import JsonBody
from tfserver.web.query import LIMIT
from tfserver.web.route import (
    ACCEPTED,
    ADMIN,
    API,
    NOTHING,
    OK,
    OPERATOR,
    READER,
    Route,
    Scope,
    Shape,
    ok,
)

_TERMINAL: Final = f"{API}/terminals/{{sn}}"
_SNAPSHOTS: Final = f"{API}/snapshots"
_WHERE: Final = {"Location": "where it can be seen how far it is"}
SNAPSHOTS: Final = (
    Route(
        method="POST",
        path=f"{_TERMINAL}/snapshots",
        name="take_snapshot",
        summary="Begin a snapshot of all that a terminal has: settings, zones, people",
        role=OPERATOR,
        scope=Scope.TERMINAL,
        handler=snapshots.take,
        answers={ACCEPTED: Shape("the snapshot as far as it is", Snapshot, headers=_WHERE)},
        refusals=(HTTPStatus.CONFLICT,),
    ),
    Route(
        method="GET",
        path=f"{_TERMINAL}/snapshots",
        name="list_snapshots",
        summary="Snapshots of a terminal, newest first",
        role=READER,
        scope=Scope.TERMINAL,
        handler=snapshots.listing,
        query=snapshots.PARAMETERS,
        answers=ok(snapshots.SnapshotPage),
    ),
    Route(
        method="GET",
        path=f"{_SNAPSHOTS}/{{id}}",
        name="get_snapshot",
        summary="How much is in a snapshot, and what is missing; never what is in it",
        role=READER,
        scope=Scope.ALL_SITES,
        handler=snapshots.one,
        answers=ok(Snapshot),
    ),
    Route(
        method="GET",
        path=f"{_SNAPSHOTS}/{{id}}/file",
        name="get_snapshot_file",
        summary="A snapshot as an encrypted file, for this server or, with a passphrase, for any",
        role=ADMIN,
        scope=Scope.ALL_SITES,
        handler=snapshots.file,
        headers=(snapshots.PASSPHRASE,),
        answers={OK: Shape("the file", str, (snapshots.MEDIA,))},
        yields=True,
        templates=True,
    ),
    Route(
        method="POST",
        path=_SNAPSHOTS,
        name="upload_snapshot",
        summary="Bring a file of a snapshot; it is read on behind the answer",
        role=ADMIN,
        scope=Scope.ALL_SITES,
        handler=snapshots.upload,
        headers=(snapshots.PASSPHRASE,),
        body=snapshots.FileBody(),
        answers={ACCEPTED: Shape("the snapshot as far as it is", Snapshot, headers=_WHERE)},
        yields=True,
    ),
    Route(
        method="DELETE",
        path=f"{_SNAPSHOTS}/{{id}}",
        name="delete_snapshot",
        summary="Forget a snapshot; one that is being taken ends",
        role=OPERATOR,
        scope=Scope.ALL_SITES,
        handler=snapshots.remove,
        answers=NOTHING,
    ),
    Route(
        method="POST",
        path=f"{_TERMINAL}/restore",
        name="restore_terminal",
        summary="Begin to give a terminal what a snapshot has, as far as it fits",
        role=ADMIN,
        scope=Scope.TERMINAL,
        handler=snapshots.restore,
        body=JsonBody(snapshots.RestoreBody),
        answers={ACCEPTED: Shape("the restoration as far as it is", Restoration, headers=_WHERE)},
        refusals=(HTTPStatus.CONFLICT,),
    ),
    Route(
        method="POST",
        path=f"{_TERMINAL}/replace",
        name="replace_terminal",
        summary="Begin to let a terminal be what another was",
        role=ADMIN,
        scope=Scope.TERMINAL,
        handler=snapshots.replace,
        body=JsonBody(snapshots.ReplaceBody),
        answers={ACCEPTED: Shape("the restoration as far as it is", Restoration, headers=_WHERE)},
        refusals=(HTTPStatus.CONFLICT,),
    ),
    Route(
        method="GET",
        path=f"{_TERMINAL}/restorations",
        name="list_restorations",
        summary="What was given back to a terminal, newest first",
        role=READER,
        scope=Scope.TERMINAL,
        handler=snapshots.restorations,
        query=(LIMIT,),
        answers=ok(snapshots.RestorationList),
    ),
    Route(
        method="GET",
        path=f"{_TERMINAL}/restorations/{{id}}",
        name="get_restoration",
        summary="A restoration step by step, and what could not be carried over",
        role=READER,
        scope=Scope.TERMINAL,
        handler=snapshots.restoration,
        answers=ok(Restoration),
    ),
)
