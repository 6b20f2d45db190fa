"""Pages with the routes of people and groups, over stand-ins."""

from __future__ import annotations

from typing import Any

from tests.web.in_memory import OPERATOR, Answer, PagesCase, encoded
from tests.web.people import a_group
from tfserver.store.people.groups import Moved


class PeopleCase(PagesCase):
    """All routes with those of people; each answer is one that its row promises."""

    def setUp(self) -> None:
        """One person and one group."""
        super().setUp()
        self.directory, self.groups = self.people.directory, self.people.groups
        self.groups.given.update(counts=lambda names: dict.fromkeys(names, 1), get=self.group)
        self.groups.given.update(page=[7], change_members=Moved(2, 1, (8,), (9,)))

    def group(self, name: str) -> Any:
        """The only group."""
        return a_group() if name == "staff" else None

    def put(self, path: str, body: Any, token: str | None = OPERATOR) -> Answer:
        """A PUT with a token; the body is encoded unless it is bytes."""
        return self.ask("PUT", f"/api/v1{path}", encoded(body), token)

    def fetch(self, path: str) -> Answer:
        """A GET by a reader."""
        return self.get(f"/api/v1{path}")
