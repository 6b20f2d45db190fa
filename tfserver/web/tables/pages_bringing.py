"""The pages of enrolment, imports and erasures."""

from __future__ import annotations

from typing import Final

from tfserver.web.dashboard.people import bringing
from tfserver.web.route import OPERATOR, READER, Scope
from tfserver.web.tables.page import page

_ALL: Final = Scope.ALL_SITES
BRINGING: Final = (
    page(bringing.ENROLMENTS, "enrolments", bringing.enrolments, bringing.ENROLMENT_LIST, READER),
    page(f"{bringing.ENROLMENTS}/{{id}}", "enrolment", bringing.enrolment, (), READER),
    page(bringing.IMPORTS, "imports", bringing.imports, (bringing.LIMIT,), READER, _ALL),
    page(f"{bringing.IMPORTS}/{{id}}", "import", bringing.one_import, bringing.IMPORT_ERRORS, READER, _ALL),
    page(bringing.ERASURES, "erasures", bringing.erasures, bringing.ERASURE_LIST, OPERATOR, _ALL),
    page(f"{bringing.ERASURES}/{{id}}", "erasure", bringing.erasure, bringing.ERASURE_PLACES, OPERATOR, _ALL),
)
