"""The OpenAPI document: valid, complete, and never behind the vocabulary."""

from __future__ import annotations

import json
from typing import Annotated, Any, ClassVar

from msgspec import Meta
from openapi_spec_validator import validate

from tests.web.in_memory import ADMIN, PagesCase
from tests.web.samples import BODIES, SN, an_order
from tfserver.commander import BadOrder, Wanted
from tfserver.order import LIVES, Danger, Order
from tfserver.web.routes import ROUTES
from tfserver.wire.message import Command, Profile, Reply
from tfserver.wire.ordering import decode
from tfserver.wire.table import vocabulary

PATH = "/api/v1/openapi.json"
WAYS: list[dict[str, list[str]]] = [{"bearer": []}, {"session": []}]


class PolishLens(Command[Reply]):
    """Polish the lens of the camera."""

    danger: ClassVar[Danger] = Danger.DESTRUCTIVE
    admin_only: ClassVar[bool] = True

    strokes: Annotated[int, Meta(ge=1, le=9)]
    cloth: str = "soft"


class DocumentCase(PagesCase):
    """The document as somebody gets it."""

    def document(self) -> dict[str, Any]:
        """It, decoded."""
        answer = self.get(PATH)
        self.assertEqual(answer.status, 200, answer.raw)
        found: dict[str, Any] = answer.body
        return found

    def order_schemas(self) -> dict[str, dict[str, Any]]:
        """The schema of each command, by its word."""
        schemas = self.document()["components"]["schemas"]
        mapping = schemas["Order_body"]["discriminator"]["mapping"]
        return {word: schemas[place.rpartition("/")[2]] for word, place in mapping.items()}


class DocumentTests(DocumentCase):
    """What stands in it."""

    def test_valid(self) -> None:
        """It is a valid OpenAPI 3.1 document."""
        document = self.document()
        self.assertEqual(document["openapi"], "3.1.0")
        validate(document)

    def test_every_route(self) -> None:
        """Every route stands in it, with its role, its parameters and all statuses that it may have."""
        paths = self.document()["paths"]
        for route in ROUTES:
            operation = paths[route.path][route.method.lower()]
            self.assertEqual(operation["operationId"], route.name)
            self.assertEqual(operation["x-role"], route.role and route.role.value)
            self.assertEqual(operation["security"], [] if route.role is None else WAYS)
            promised = {str(int(status)) for status in [*route.answers, *route.refused_with()]}
            self.assertEqual(set(operation["responses"]), promised)
            told = {parameter["name"]: parameter for parameter in operation["parameters"]}
            for parameter in route.query:
                self.assertTrue(told[parameter.name]["description"])
            self.assertEqual("requestBody" in operation, route.body is not None)
        self.assertEqual(sum(map(len, paths.values())), len(ROUTES))

    def test_answers_are_whole(self) -> None:
        """All fields of an answer are promised, and those of a change are not asked for."""
        schemas = self.document()["components"]["schemas"]
        self.assertEqual(set(schemas["Terminal"]["required"]), set(schemas["Terminal"]["properties"]))
        self.assertEqual(schemas["Change"]["required"], [])
        punch = schemas["FedPunch"]
        self.assertEqual(set(punch["properties"]) - set(punch["required"]), {"direction", "repeat_of"})

    def test_tag(self) -> None:
        """Who has the document already is told so, and not sent it again."""
        first = self.get(PATH)
        tag = first.headers["etag"]
        for given in (tag, f'"other", {tag}', f"W/{tag}", "*"):
            again = self.get(PATH, If_None_Match=given)
            self.assertEqual((again.status, again.body, again.headers["etag"]), (304, "", tag))
        self.assertEqual(self.get(PATH, If_None_Match='"other"').status, 200)

    def test_made_once(self) -> None:
        """It is made at the first request, and not again at the next."""
        first = self.pages.desk.document.text()[0]
        self.get(PATH)
        self.assertIs(self.pages.desk.document.text()[0], first)


class CommandTests(DocumentCase):
    """Orders in the document."""

    def test_every_command(self) -> None:
        """Every command of the vocabulary has a schema with its word, danger class, seconds and role."""
        schemas = self.order_schemas()
        self.assertEqual(list(schemas), [command.word() for command in vocabulary])
        for command in vocabulary:
            schema, life = schemas[command.word()], LIVES[command.danger]
            self.assertEqual(schema["properties"]["cmd"], {"const": command.word()})
            self.assertEqual(schema["x-danger"], command.danger.value)
            self.assertEqual(
                schema["x-ttl"], {"least": life.least, "most": life.most, "default": life.default}
            )
            self.assertEqual(schema["properties"]["ttl"]["maximum"], life.most)
            self.assertEqual((schema["x-admin-only"], schema["x-core"]), (command.admin_only, command.core))
            self.assertEqual("confirm" in schema["required"], command.danger is Danger.DESTRUCTIVE)
            self.assertIn(command.danger.value, schema["description"])
            self.assertNotIn("(more)", schema["properties"])

    def test_new_command(self) -> None:
        """A command is one class: once entered it stands in the document, and can be ordered."""
        self.commander.given["order"] = self.order
        before = self.get(PATH)
        vocabulary.enter(PolishLens)
        self.addCleanup(vocabulary.remove, PolishLens)
        schema = self.order_schemas()["polishlens"]
        validate(self.document())
        self.assertNotEqual(self.get(PATH).headers["etag"], before.headers["etag"])
        self.assertEqual(schema["properties"]["strokes"], {"type": "integer", "minimum": 1, "maximum": 9})
        self.assertEqual(set(schema["required"]), {"cmd", "strokes", "confirm"})
        self.assertTrue(schema["description"].startswith("Polish the lens of the camera."))
        self.assertEqual((schema["x-danger"], schema["x-admin-only"]), ("destructive", True))
        path = f"/api/v1/terminals/{SN}/commands"
        good = {"cmd": "polishlens", "strokes": 3, "confirm": SN}
        self.assertEqual(self.post(path, good, ADMIN).status, 202)
        self.assert_problem(self.post(path, {**good, "strokes": 10}, ADMIN), 422, "strokes")
        self.assertEqual(self.noted()[-1][1], "polishlens")

    def order(self, wanted: Wanted) -> Order | Exception:
        """As the commander does it: by the vocabulary."""
        command, problems = decode(wanted.cmd, wanted.fields, Profile())
        return BadOrder("wrong", problems) if command is None else an_order(cmd=wanted.cmd)

    def test_samples_fit(self) -> None:
        """What the tests send as bodies is what the document asks for."""
        schemas = self.document()["components"]["schemas"]
        objects = {name: body for name, body in BODIES.items() if isinstance(body, dict)}
        for name, body in objects.items():
            schema = self.order_schemas()[body["cmd"]] if name == "Order_body" else schemas[name]
            self.assertLessEqual(set(schema["required"]), set(body))
            self.assertLessEqual(set(body), set(schema["properties"]))
        self.assertTrue(json.dumps(objects))
