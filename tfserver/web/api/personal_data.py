"""What leaves the server of one person: all that is kept of it, and what stands in a credential. Each time is
written into the audit before, or nothing leaves."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final, cast

import msgspec

from tfserver.people.personal_data import PersonalData, Places
from tfserver.web import auth, exports
from tfserver.web.answer import Answer, Streamed
from tfserver.web.call import Call
from tfserver.web.formats import NDJSON
from tfserver.web.problem import Problem
from tfserver.web.query import choices

PARAMETERS: Final = (
    choices(
        "records",
        "also what stands in credentials, and pictures: for tokens with templates",
        ("true", "false"),
    ),
)


class OpenedCredential(msgspec.Struct, frozen=True):
    """A credential with what stands in it."""

    enrollid: int
    backupnum: int
    version: str
    record: str


async def data(call: Call) -> Answer | Streamed:
    """All that is kept of a person, as a stream of lines."""
    enrollid = int(call.path["enrollid"])
    opens = "true" in call.query["records"]
    if opens:
        auth.check_templates(call.who)
    name = f'attachment; filename="person-{enrollid}.ndjson"'
    if call.is_head:
        return Answer(b"", headers={"Content-Disposition": name}, media=NDJSON)
    await _audit(call, {"enrollid": enrollid, "records": opens})
    found = PersonalData(_places(call), enrollid, opens=opens)
    headers = {"Content-Disposition": name, "Content-Type": NDJSON}
    return await exports.send(call, found, "", b"", headers)


def _places(call: Call) -> Places:
    sources, people = call.sources, cast(Any, call.sources.people)
    return Places(
        directory=people.directory,
        holdings=people.holdings,
        told=people.told,
        feed=sources.feed,
        archive=sources.archive,
        audit=sources.audit,
        commander=sources.commander,
    )


async def record(call: Call) -> OpenedCredential:
    """What stands in a credential; Problem 404."""
    enrollid, backupnum = int(call.path["enrollid"]), int(call.path["backupnum"])
    known = await call.sources.people.directory.get(enrollid)
    if known is None or all(one.backupnum != backupnum for one in known.credentials):
        raise Problem(HTTPStatus.NOT_FOUND, f"person {enrollid} has no credential {backupnum}")
    await _audit(call, {"enrollid": enrollid, "backupnum": backupnum})
    found = await call.sources.people.directory.record(enrollid, backupnum)
    if found is None:
        raise Problem(HTTPStatus.NOT_FOUND, f"person {enrollid} has no credential {backupnum}")
    return OpenedCredential(enrollid, backupnum, found[1].version, found[0])


async def _audit(call: Call, detail: dict[str, Any]) -> None:
    """StoreError when it can't be written."""
    await call.sources.audit.write(call.actor, call.subject, "", "done", detail)
