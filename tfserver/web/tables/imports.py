"""What can be asked about people that come from files, and about what leaves the server of one person."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from tfserver.store.people.imports import Import
from tfserver.web.api import imports, personal_data
from tfserver.web.formats import NDJSON
from tfserver.web.route import ACCEPTED, ADMIN, API, NOTHING, OK, OPERATOR, READER, Route, Scope, Shape, ok
from tfserver.web.tables.headers import KEY

_IMPORTS: Final = f"{API}/imports"
_USER: Final = f"{API}/users/{{enrollid}}"

IMPORTS: Final = (
    Route(
        method="POST",
        path=_IMPORTS,
        name="import_users",
        summary="Bring people in from a file; it is worked on behind the answer",
        role=OPERATOR,
        scope=Scope.ALL_SITES,
        handler=imports.begin,
        query=imports.PARAMETERS,
        headers=(KEY,),
        body=imports.PeopleFile(),
        answers={
            ACCEPTED: Shape("the import as far as it is", Import, headers={"Location": "where it is told on"})
        },
        refusals=(HTTPStatus.TOO_MANY_REQUESTS,),
        yields=True,
    ),
    Route(
        method="GET",
        path=_IMPORTS,
        name="list_imports",
        summary="Imports, newest first",
        role=READER,
        scope=Scope.ALL_SITES,
        handler=imports.listing,
        query=imports.LISTING,
        answers=ok(imports.ImportList),
    ),
    Route(
        method="GET",
        path=f"{_IMPORTS}/{{id}}",
        name="get_import",
        summary="How far an import is, and what is wrong with its rows",
        role=READER,
        scope=Scope.ALL_SITES,
        handler=imports.one,
        query=imports.ERRORS,
        answers=ok(imports.ImportReport),
    ),
    Route(
        method="DELETE",
        path=f"{_IMPORTS}/{{id}}",
        name="cancel_import",
        summary="Bring in no more rows; what came in stays",
        role=OPERATOR,
        scope=Scope.ALL_SITES,
        handler=imports.cancel,
        answers=NOTHING,
        refusals=(HTTPStatus.CONFLICT,),
    ),
)
PERSONAL: Final = (
    Route(
        method="GET",
        path=f"{_USER}/data",
        name="get_user_data",
        summary="All that is kept of a person, audited",
        role=ADMIN,
        scope=Scope.ALL_SITES,
        handler=personal_data.data,
        query=personal_data.PARAMETERS,
        answers={OK: Shape("one JSON object a line, the last says `end`", str, (NDJSON,))},
        audited=True,
        yields=True,
    ),
    Route(
        method="GET",
        path=f"{_USER}/credentials/{{backupnum}}/record",
        name="get_record",
        summary="What stands in a credential, audited",
        role=OPERATOR,
        scope=Scope.ALL_SITES,
        templates=True,
        handler=personal_data.record,
        answers=ok(personal_data.OpenedCredential),
    ),
)
