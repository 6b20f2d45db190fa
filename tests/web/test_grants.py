"""What a token may have beside what its role allows."""

from __future__ import annotations

import msgspec

from tests.web.in_memory import ADMIN, OPERATOR, PagesCase
from tfserver.store.principals import Role
from tfserver.store.tokens import Token

PATH = "/api/v1/tokens"


class TemplatesTests(PagesCase):
    """Tokens that may have what stands in credentials."""

    def issue(self, **more: object) -> object:
        """Whether the token that is made may."""
        answer = self.post(PATH, {"name": "payroll", "role": "operator", **more}, ADMIN)
        self.assertEqual(answer.status, 201, answer.raw)
        found: object = answer.body["templates"]
        return found

    def test_only_if_said(self) -> None:
        """Somebody has to say so; it is shown, kept, and in the audit."""
        self.assertEqual((self.issue(), self.issue(templates=True)), (False, True))
        self.assertEqual([entry.templates for _, entry, _ in self.tokens.asked("issue")], [False, True])
        self.assertEqual([told[4]["templates"] for told in self.audit.asked("write")], [False, True])

    def test_who(self) -> None:
        """Only administrators give it."""
        body = {"name": "x", "role": "reader", "templates": True}
        self.assert_problem(self.post(PATH, body, OPERATOR), 403)
        self.assert_problem(self.post(PATH, {**body, "templates": 1}, ADMIN), 422, "templates")
        self.assertEqual(self.tokens.asked("issue"), [])

    def test_older(self) -> None:
        """Tokens of older releases may not."""
        found = msgspec.json.decode(b'{"id":"1","role":"admin","created_ms":1}', type=Token)
        self.assertEqual((found.role, found.templates), (Role.ADMIN, False))
