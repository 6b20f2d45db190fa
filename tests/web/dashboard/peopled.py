"""A directory of stand-ins behind the pages of people, and how those are read."""

from __future__ import annotations

from typing import Any

from tests.web.dashboard.html import Page
from tests.web.dashboard.looking import LookingCase
from tests.web.in_memory import OPERATOR
from tests.web.people import a_person
from tests.web.samples import AT, SN
from tfserver.person import (
    Collision,
    Credential,
    Known,
    Made,
)

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
PERSON = "/people/7"
API = "/api/v1/users/7"
CHANGES = {
    ("PUT", API),
    ("DELETE", API),
    ("PUT", f"{API}/credentials/10"),
    ("PUT", f"{API}/credentials/11"),
    ("DELETE", f"{API}/credentials/0"),
}


def somebody(*slots: int, collisions: tuple[Collision, ...] = (), **more: Any) -> Known:
    """A person with a credential in each of these slots."""
    credentials = tuple(Credential(slot, f"v{slot}", Made(SN, at=AT), 10) for slot in slots)
    return Known(a_person(**more), credentials, collisions)


def crowd(first: int, many: int) -> list[Known]:
    """People with the numbers from one on."""
    return [somebody(enrollid=number, name=f"Person {number}") for number in range(first, first + many)]


def said(page: Page) -> str:
    """All that stands on a page."""
    return " ".join(page.texts("main"))


def forms(page: Page) -> set[tuple[str, str]]:
    """What its forms change, without signing out."""
    every = [each.given for each in page.all("form") if each.given.get("data-path") != "/api/v1/session"]
    return {(form["data-method"], form["data-path"]) for form in every if "data-method" in form}


def here(page: Page) -> list[str]:
    """What is marked as the place: the part, and the one within it."""
    places = ("/people", "/people/groups", "/people/imports")
    return [text for path in places for text in page.texts("a", href=path, aria_current="page")]


class PeopleCase(LookingCase):
    """A directory of stand-ins."""

    def hold(self, **given: Any) -> None:
        """Let the directory answer so."""
        self.people.directory.given.update(given)

    def show(self, known: Known, token: str = OPERATOR) -> Page:
        """The page of somebody."""
        self.hold(get=known)
        return self.look(PERSON, token)

    def asked(self, name: str) -> list[tuple[Any, ...]]:
        """What the directory was asked."""
        return [args for called, args in self.people.directory.calls if called == name]
