"""Who may do what over HTTP."""

from __future__ import annotations

from twisted.logger import LogEvent, eventAsText, globalLogPublisher

from tests.web.in_memory import ADMIN, OPERATOR, READER, TOKENS, PagesCase
from tfserver.errors import StoreUnavailable
from tfserver.model import Terminal

SN = "ZXDM26010042"
PATHS = ("/api/v1/terminals", f"/api/v1/terminals/{SN}", "/api/v1/punches", "/api/v1/quarantine")


class AuthTests(PagesCase):
    """Bearer tokens and roles."""

    def setUp(self) -> None:
        """One terminal."""
        super().setUp()
        self.with_terminals(Terminal(SN))

    def test_without_a_token(self) -> None:
        """Every page of the API wants a token, and says so."""
        for path in PATHS:
            answer = self.get(path, token=None)
            self.assert_problem(answer, 401)
            self.assertTrue(answer.headers["www-authenticate"].startswith("Bearer"))
        self.assert_problem(self.patch(f"/api/v1/terminals/{SN}", {"name": "x"}, token=None), 401)
        self.assertEqual(self.terminals.calls + self.punches.calls, [])

    def test_with_a_wrong_token(self) -> None:
        """A token nobody made is not accepted, nor is one in another scheme or place."""
        wrong = (
            "Bearer tfs_wrong",
            "Bearer",
            "Bearer  ",
            f"Basic {ADMIN}",
            ADMIN,
            f"Bearer{ADMIN}",
        )
        for value in wrong:
            self.assert_problem(self.get("/api/v1/terminals", token=None, Authorization=value), 401)
        self.assert_problem(self.get(f"/api/v1/terminals?token={ADMIN}", token=None), 401)
        self.assertEqual(self.terminals.calls, [])

    def test_with_a_token_that_is_no_text(self) -> None:
        """Bytes that are no UTF-8 are a wrong token and no mistake of ours."""
        self.assert_problem(self.get("/api/v1/terminals", token=None, Authorization="Bearer \xff\xfe"), 401)

    def test_every_role_may_look(self) -> None:
        """All roles may read everything."""
        for token in TOKENS:
            for path in PATHS:
                self.assertEqual(self.get(path, token).status, 200, path)

    def test_scheme_without_case(self) -> None:
        """The scheme is compared without case (RFC 9110 §11.1)."""
        self.assertEqual(
            self.get("/api/v1/terminals", token=None, Authorization=f"bearer {READER}").status, 200
        )

    def test_only_some_may_act(self) -> None:
        """A reader may change nothing; operators and admins may."""
        self.assert_problem(self.patch(f"/api/v1/terminals/{SN}", {"name": "x"}, READER), 403)
        self.assertEqual(self.terminals.asked("change"), [])
        for token in (OPERATOR, ADMIN):
            self.assertEqual(self.patch(f"/api/v1/terminals/{SN}", {"name": "x"}, token).status, 200)
        self.assertEqual(len(self.terminals.asked("change")), 2)

    def test_reader_learns_nothing_by_patching(self) -> None:
        """A reader is refused before its input is looked at."""
        for body in (b"no JSON", b'{"name":1}'):
            self.assert_problem(self.patch("/api/v1/terminals/NOSUCH", body, READER), 403)

    def test_store_away(self) -> None:
        """When the tokens can't be read nobody is let in, and nobody is told that the token is wrong."""
        self.tokens.given["find"] = StoreUnavailable("no connection")
        self.assert_problem(self.get("/api/v1/terminals"), 503)

    def test_token_is_never_told(self) -> None:
        """No token stands in an answer or in the log, also when something fails."""
        logged: list[LogEvent] = []
        globalLogPublisher.addObserver(logged.append)
        self.addCleanup(globalLogPublisher.removeObserver, logged.append)
        told = b""
        for found in (None, ValueError("x"), StoreUnavailable("away")):
            self.terminals.given["get"] = found
            for token in (OPERATOR, "tfs_wrong-secret"):
                told += self.get(f"/api/v1/terminals/{SN}", token).raw
                told += self.patch(f"/api/v1/terminals/{SN}", {"name": "x"}, token).raw
                told += self.get("/api/v1/punches?limit=x", token).raw
        self.flushLoggedErrors(ValueError)
        log = "".join(eventAsText(event) + repr(event) for event in logged)
        self.assertNotIn(b"-secret", told)
        self.assertNotIn("-secret", log)
