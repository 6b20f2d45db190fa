"""Pages with the routes of imports and of what leaves the server of one person, over stand-ins."""

from __future__ import annotations

from typing import Any

from tests.web.import_samples import imports
from tests.web.in_memory import PagesCase
from tfserver.store.principals import Role
from tfserver.store.tokens import Token
from tfserver.web.routes import ROUTES
from tfserver.web.site import Pages
from tfserver.web.tables.imports import IMPORTS, PERSONAL

TRUSTED, PLAIN = "tfs_trusted-secret", "tfs_plain-secret"
"""The tokens of two administrators: who may have what stands in credentials, and who may not."""
CSV, NDJSON = "text/csv", "application/x-ndjson"


class ImportedCase(PagesCase):
    """All routes with these; each answer is one that its row promises."""

    def setUp(self) -> None:
        """One import with one wrong row."""
        super().setUp()
        self.accepted[TRUSTED] = Token("t", Role.ADMIN, 1, "Tia", templates=True)
        self.accepted[PLAIN] = Token("p", Role.ADMIN, 1)
        self.imports = imports()
        people: Any = self.people
        people.imports = self.imports
        known = {(route.method, route.path) for route in ROUTES}
        more = [route for route in (*IMPORTS, *PERSONAL) if (route.method, route.path) not in known]
        self.pages = Pages(self.clock, self.sources(), self.web, self.limits, [*ROUTES, *more])
        self.site = self.pages.site()
