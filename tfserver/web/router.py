"""From a path to the routes that live there."""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus
from typing import Final, NamedTuple
from urllib.parse import unquote_to_bytes

from werkzeug.exceptions import HTTPException
from werkzeug.routing import BaseConverter, Map, Rule

from tfserver.model import SN_PATTERN
from tfserver.store.accounts import NAME as ACCOUNT_NAME
from tfserver.web.problem import Problem
from tfserver.web.route import Route

PATTERNS: Final = {
    "sn": SN_PATTERN.pattern,
    "id": "[A-Za-z0-9_-]{1,64}",
    "enrollid": "[1-9][0-9]{0,17}",
    "backupnum": "[0-9]{1,2}",
    "name": "[A-Za-z0-9._-]{1,64}",
    "account": ACCOUNT_NAME.pattern,
    "version": "[0-9a-f]{16}",
    "asset": "[a-z0-9-]{1,40}\\.[a-z0-9]{2,5}",
}
"""What may stand in a path under each name."""


class _Sn(BaseConverter):
    # people copy blanks along with a serial number
    regex = rf"\s*{PATTERNS['sn']}\s*"

    def to_python(self, value: str) -> str:
        """Without the blanks around it."""
        return value.strip()


def _converter(pattern: str) -> type[BaseConverter]:
    return type("Converter", (BaseConverter,), {"regex": pattern})


class Found(NamedTuple):
    """The routes of a path by method, and what stood in it."""

    routes: dict[str, Route]
    values: dict[str, str]

    def route(self, method: str) -> Route:
        """The route of a method, HEAD going where GET does; Problem 405 names those there are."""
        found = self.routes.get("GET" if method == "HEAD" else method)
        if found is None:
            told = f"this path answers {self.allowed()}"
            raise Problem(HTTPStatus.METHOD_NOT_ALLOWED, told, headers={"Allow": self.allowed()})
        return found

    def allowed(self) -> str:
        """All methods, as the header ``Allow`` lists them."""
        more = ["HEAD"] if "GET" in self.routes else []
        return ", ".join(sorted([*self.routes, *more, "OPTIONS"]))


class Router:
    """All paths of a table of routes."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._paths: dict[str, dict[str, Route]] = {}
        for route in routes:
            known = self._paths.setdefault(route.path, {})
            if route.method in known:
                raise ValueError(f"{route.method} {route.path} is in the table twice")
            known[route.method] = route
        rules = [Rule(_rule(path), endpoint=path) for path in self._paths]
        plain = {name: _converter(pattern) for name, pattern in PATTERNS.items()}
        converters = {**plain, "sn": _Sn}
        # each path is one place: nobody is sent from a slash too many to another
        found = Map(rules, converters=converters, strict_slashes=True, merge_slashes=False)
        self._map = found.bind("")

    def find(self, path: bytes) -> Found:
        """The routes of a path as it stood in the request; Problem 404."""
        try:
            whole = unquote_to_bytes(path).decode()
            if whole.startswith("//"):
                # the map would take it for "/"
                raise _nothing_here()
            endpoint, values = self._map.match(whole)
        except (UnicodeDecodeError, HTTPException) as wrong:
            raise _nothing_here() from wrong
        return Found(self._paths[endpoint], dict(values))


def _rule(path: str) -> str:
    """A path of the table in the words of the map."""
    for name in PATTERNS:
        path = path.replace(f"{{{name}}}", f"<{name}:{name}>")
    return path


def _nothing_here() -> Problem:
    return Problem(
        HTTPStatus.NOT_FOUND, "nothing is at this path; GET /api/v1/openapi.json lists what there is"
    )
