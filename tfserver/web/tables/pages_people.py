"""The pages of people: the directory."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from tfserver.web.dashboard.people import directory, person
from tfserver.web.route import OK, OPERATOR, READER, Route, Scope, Shape
from tfserver.web.tables.page import page

PEOPLE: Final = (
    page("/people", "people", directory.directory, directory.PARAMETERS, READER, Scope.ALL_SITES),
    page("/people/new", "new_person", directory.new, (), OPERATOR, Scope.ALL_SITES),
    page("/people/{enrollid}", "person", person.person, person.PARAMETERS, READER, Scope.ALL_SITES),
    Route(
        method="GET",
        path="/people/people.csv",
        name="get_people_file",
        summary="The people of the directory, or of a group, for spreadsheets",
        role=READER,
        scope=Scope.ALL_SITES,
        handler=directory.export,
        query=directory.EXPORT,
        answers={OK: Shape("a file", str, ("text/csv",))},
        refusals=(HTTPStatus.TOO_MANY_REQUESTS,),
    ),
)
