"""``/tokens``: made, listed, revoked."""

from __future__ import annotations

from typing import Any

from tests.web.in_memory import ADMIN, PagesCase
from tfserver.errors import StoreUnavailable
from tfserver.store.principals import Role
from tfserver.store.tokens import PREFIX, LastToken, NoSuchToken, NotIssued, Token

PATH = "/api/v1/tokens"
WANTED = {"name": "payroll", "role": "reader"}


class IssueTests(PagesCase):
    """Making tokens."""

    def issue(self, body: Any = WANTED, **headers: str) -> Any:
        """A request for a token."""
        return self.post(PATH, body, ADMIN, **headers)

    def test_made(self) -> None:
        """A token is shown once, when it is made, with what is known of it."""
        self.tokens.given["issue"] = lambda secret, entry, key: Token(
            "1a2b3c4d", entry.role, entry.created_ms, entry.name, entry.sites, entry.created_by
        )
        self.clock.advance(1.5)
        answer = self.issue({**WANTED, "sites": ["north", "east", "north"]})
        self.assertEqual(answer.status, 201, answer.raw)
        self.assertTrue(answer.body.pop("token").startswith(PREFIX))
        expected: dict[str, Any] = {
            "id": "1a2b3c4d",
            "name": "payroll",
            "role": "reader",
            "sites": ["north", "east"],
        }
        expected["templates"] = False
        made = {"created": "1970-01-01T00:00:01.500Z", "created_by": "token a (Ana)"}
        self.assertEqual(answer.body, {**expected, **made})

    def test_kept(self) -> None:
        """What is shown is what is accepted from then on."""
        shown = self.issue().body["token"]
        [(secret, entry, key)] = self.tokens.asked("issue")
        self.assertEqual((secret, key), (shown, ""))
        self.assertEqual((entry.name, entry.role, entry.sites), ("payroll", Role.READER, ()))
        self.assertNotEqual(self.issue().body["token"], shown)

    def test_idempotency(self) -> None:
        """The key is the token's own; a repeat is 409, because a token is shown only once."""
        self.issue(Idempotency_Key="k1")
        self.assertEqual(self.tokens.asked("issue")[0][2], "a:k1")
        self.tokens.given["issue"] = NotIssued("a token was made under this Idempotency-Key before")
        self.assert_problem(self.issue(Idempotency_Key="k1"), 409)

    def test_wrong(self) -> None:
        """Wrong input names its field, and nothing is made."""
        for change, field in (
            ({"role": "boss"}, "role"),
            ({"role": None}, "role"),
            ({"name": ""}, "name"),
            ({"name": "x" * 101}, "name"),
            ({"name": "two\nlines"}, "name"),
            ({"sites": "north"}, "sites"),
            ({"sites": [""]}, "sites[0]"),
            ({"sites": ["x"] * 101}, "sites"),
            ({"secret": "tfs_mine"}, "secret"),
        ):
            self.assert_problem(self.issue({**WANTED, **change}), 422, field)
        self.assert_problem(self.issue({"name": "x"}), 422, "role")
        self.assertEqual(self.tokens.asked("issue"), [])

    def test_not_told_again(self) -> None:
        """The audit has what was made, and not the token."""
        shown = self.issue().body["token"]
        [(_, what, _, outcome, detail)] = self.audit.asked("write")
        self.assertEqual((what, outcome, detail["name"]), ("create_token", "done", "payroll"))
        self.assertNotIn(shown, str(self.audit.calls))


class ListTests(PagesCase):
    """Tokens as they are shown."""

    def test_listed(self) -> None:
        """All tokens come with all that is known of them, and none of itself."""
        answer = self.get(PATH, ADMIN)
        self.assertEqual(len(answer.body["tokens"]), 4)
        fields = {"id", "name", "role", "sites", "templates", "created", "created_by"}
        self.assertEqual({frozenset(token) for token in answer.body["tokens"]}, {frozenset(fields)})
        self.assertNotIn(b"secret", answer.raw)


class RevokeTests(PagesCase):
    """Tokens that are accepted no longer."""

    def test_revoked(self) -> None:
        """A token is revoked by its id."""
        answer = self.delete(f"{PATH}/1a2b3c4d")
        self.assertEqual((answer.status, answer.body), (204, ""))
        self.assertEqual(self.tokens.asked("revoke"), [("1a2b3c4d",)])
        self.assertEqual(self.audit.asked("write")[0][4], {"token": "1a2b3c4d"})

    def test_not_revoked(self) -> None:
        """One that is not there is 404, the last that can manage tokens 409."""
        for failure, status in (
            (NoSuchToken("no"), 404),
            (LastToken("last"), 409),
            (StoreUnavailable("away"), 503),
        ):
            self.tokens.given["revoke"] = failure
            self.assert_problem(self.delete(f"{PATH}/1a2b3c4d"), status)
