"""The OpenAPI 3.1 document: written from the routes, the classes of bodies and answers, and the commands."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from tfserver import __version__
from tfserver.web import cookies
from tfserver.web.body import MEDIA as JSON
from tfserver.web.body import Body, JsonBody, media_of
from tfserver.web.orders import OrderBody, order_schemas
from tfserver.web.problem import MEDIA, ProblemBody
from tfserver.web.query import Parameter
from tfserver.web.route import Header, Route, Shape
from tfserver.web.router import PATTERNS
from tfserver.wire.table import vocabulary

VERSION: Final = "3.1.0"
_REF: Final = "#/components/schemas/{name}"
_PLAIN: Final[dict[Any, str]] = {str: "string", dict: "object"}
_SCHEMES: Final[dict[str, Any]] = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "a token of this server: tfs_…"},
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": cookies.SECURE,
        "description": "of a browser that signed in with POST /session. Without TLS, on the server's own "
        f"machine, it is called {cookies.PLAIN}. What changes something needs the header {cookies.CSRF} as "
        "well, as GET /session tells it.",
    },
}
_TOLD: Final = {
    "sn": "serial number of a terminal, in any case",
    "id": "as an earlier answer gave it",
    "enrollid": "number of a person",
    "backupnum": "which credential: 0-9 fingerprint, 10 password, 11 card, 50 photo, and so on",
    "name": "name of a group",
    "account": "name of an account, in any case",
}


class Document:
    """The document as text and its tag, made anew when the vocabulary has changed."""

    def __init__(self, routes: Sequence[Route]) -> None:
        self._routes = routes
        self._made_of: tuple[type, ...] | None = None
        self._text = b""
        self._tag = ""

    def text(self) -> tuple[bytes, str]:
        """The document and its ETag."""
        commands = tuple(vocabulary)
        if commands != self._made_of:
            self._text = msgspec.json.encode(document(self._routes))
            self._tag = f'"{hashlib.sha256(self._text).hexdigest()[:32]}"'
            self._made_of = commands
        return self._text, self._tag


def document(routes: Sequence[Route]) -> dict[str, Any]:
    """The whole document as plain values."""
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": VERSION,
        "info": {
            "title": "tfserver",
            "version": __version__,
            "description": "Attendance terminals and their punches. docs/http.md tells it in words.",
        },
        "paths": paths,
        "components": {
            "schemas": _schemas(routes),
            "responses": _refusals(routes),
            "securitySchemes": _SCHEMES,
        },
    }


def _operation(route: Route) -> dict[str, Any]:
    found: dict[str, Any] = {
        "operationId": route.name,
        "summary": route.summary,
        "description": _described(route),
        "x-role": None if route.role is None else route.role.value,
        "x-scope": route.scope.name.lower(),
        "x-templates": route.templates,
        "security": [] if route.role is None else [{scheme: []} for scheme in _SCHEMES],
        "parameters": [
            *(_in_path(name) for name in re.findall(r"{(\w+)}", route.path)),
            *map(_in_query, route.query),
            *map(_in_header, route.headers),
        ],
        "responses": {
            **{str(int(status)): _answer(shape) for status, shape in route.answers.items()},
            **{
                str(int(status)): {"$ref": f"#/components/responses/{int(status)}"}
                for status in route.refused_with()
            },
        },
    }
    if route.body is not None:
        found["requestBody"] = {"required": True, "content": _taken(route.body)}
    return found


def _taken(body: Body) -> dict[str, Any]:
    """What a body may be, by its media type; what is no JSON is bytes."""
    kinds = media_of(body)
    return {
        media: {"schema": _ref(body.name) if media == JSON else {"type": "string", "format": "binary"}}
        for media in kinds
    }


def _described(route: Route) -> str:
    who = "Needs no token." if route.role is None else f"Role: {route.role.value} or more."
    more = " Only for tokens with templates." if route.templates else ""
    return f"{who} Sites: {route.scope.value}.{more}"


def _in_path(name: str) -> dict[str, Any]:
    schema = {"type": "string", "pattern": f"^{PATTERNS[name]}$"}
    return {"name": name, "in": "path", "required": True, "description": _TOLD[name], "schema": schema}


def _in_query(parameter: Parameter) -> dict[str, Any]:
    found = {
        "name": parameter.name,
        "in": "query",
        "required": parameter.is_required,
        "description": parameter.told,
        "schema": parameter.schema,
    }
    if not parameter.is_required:
        # an empty value is none
        found["allowEmptyValue"] = True
    return {**found, "explode": False} if parameter.schema["type"] == "array" else found


def _in_header(header: Header) -> dict[str, Any]:
    schema = {"type": "string", "pattern": f"^{header.pattern}$"}
    return {"name": header.name, "in": "header", "description": header.told, "schema": schema}


def _answer(shape: Shape) -> dict[str, Any]:
    found: dict[str, Any] = {"description": shape.told}
    if shape.kind is not None:
        schema = {"type": _PLAIN[shape.kind]} if shape.kind in _PLAIN else _ref(shape.kind.__name__)
        first, *others = shape.media
        found["content"] = {first: {"schema": schema}, **{o: {"schema": {"type": "string"}} for o in others}}
    if shape.headers:
        found["headers"] = {
            name: {"description": told, "schema": {"type": "string"}} for name, told in shape.headers.items()
        }
    return found


def _refusals(routes: Sequence[Route]) -> dict[str, Any]:
    """The errors, each described once under its number."""
    statuses = sorted({status for route in routes for status in route.refused_with()})
    content = {MEDIA: {"schema": _ref(ProblemBody.__name__)}}
    return {str(int(status)): {"description": status.phrase, "content": content} for status in statuses}


def _ref(name: str) -> dict[str, str]:
    return {"$ref": _REF.format(name=name)}


def _schemas(routes: Sequence[Route]) -> dict[str, Any]:
    shapes = [shape.kind for route in routes for shape in route.answers.values()]
    answers = [kind for kind in shapes if kind is not None and kind not in _PLAIN]
    bodies = [route.body.kind for route in routes if isinstance(route.body, JsonBody)]
    _, shown = msgspec.json.schema_components([ProblemBody, *dict.fromkeys(answers)], ref_template=_REF)
    _, taken = msgspec.json.schema_components(list(dict.fromkeys(bodies)), ref_template=_REF)
    ordered = order_schemas(OrderBody.name, _REF)
    absent = _may_be_absent([*dict.fromkeys(answers)])
    for name in shown.keys() - taken.keys() - ordered.keys():
        _complete(name, shown[name], absent.get(name, frozenset()))
    return _merged(shown, taken, ordered)


def _merged(*parts: dict[str, Any]) -> dict[str, Any]:
    """All schemas by their names. What stands in several parts is the same class in each."""
    found: dict[str, Any] = {}
    for part in parts:
        for name, schema in part.items():
            if found.setdefault(name, schema) != schema:
                raise ValueError(f"two classes are called {name}: one of a command, a body, or an answer")
    return found


def _complete(name: str, schema: dict[str, Any], absent: frozenset[str]) -> None:
    """Answers have all their fields always; a class with defaults does not say so by itself."""
    if name not in _PARTIAL and "properties" in schema:
        schema["required"] = [field for field in schema["properties"] if field not in absent]


def _may_be_absent(kinds: Sequence[Any]) -> dict[str, frozenset[str]]:
    """Of each class in these, the fields that are left out when nothing is known."""
    found: dict[str, frozenset[str]] = {}
    left: list[Any] = list(msgspec.inspect.multi_type_info(kinds))
    while left:
        one = left.pop()
        if isinstance(one, msgspec.inspect.StructType):
            if one.cls.__name__ in found:
                continue
            found[one.cls.__name__] = frozenset(field.encode_name for field in one.fields if _is_unset(field))
            left += [field.type for field in one.fields]
        for name in ("types", "item_types"):
            left += getattr(one, name, ())
        for name in ("item_type", "key_type", "value_type", "type"):
            left += [inner] if (inner := getattr(one, name, None)) is not None else []
    return found


def _is_unset(field: msgspec.inspect.Field) -> bool:
    """Of the default UNSET msgspec tells only that there is none, though the field is not required."""
    none = msgspec.NODEFAULT
    return not field.required and field.default is none and field.default_factory is none


_PARTIAL: Final = frozenset({"ProblemBody", "OrderError"})
"""Answers that leave out what is not there."""
