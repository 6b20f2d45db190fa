"""Signing in at a browser."""

from __future__ import annotations

from typing import Any

import msgspec

from tests.web.in_memory import ADMIN, OPERATOR, TOKENS, Answer, PagesCase
from tfserver.config import LimitSettings
from tfserver.errors import StoreUnavailable
from tfserver.model import Terminal
from tfserver.store.principals import Role
from tfserver.store.sessions import Opened
from tfserver.web.cookies import csrf_of

PATH = "/api/v1/session"
SN = "ZXDM26010042"
SECRET = "cookie-secret"
PROXY = ["192.168.0.0/16"]


class SessionCase(PagesCase):
    """A browser by way of a trusted proxy, which is where these requests come from."""

    limits = LimitSettings(trusted_proxies=PROXY, exempt=PROXY)

    def setUp(self) -> None:
        """The operator is signed in."""
        super().setUp()
        self.with_terminals(Terminal(SN))
        self.opened = Opened(TOKENS[OPERATOR], 3_600_000, "d" * 64)
        self.sessions.given.update(
            find=lambda secret: self.opened if secret == SECRET else None,
            begin=lambda token: (SECRET, Opened(self.accepted[token], 3_600_000, "d" * 64)),
            use=self.opened,
        )

    def ask_by_cookie(
        self, method: str, path: str, body: bytes = b"", cookie: str = f"__Host-tfs={SECRET}", **headers: str
    ) -> Answer:
        """A request of a browser over TLS."""
        given = {"X_Forwarded_Proto": "https", "Cookie": cookie, **headers}
        return self.ask(method, path, body, None, **given)

    def changes(self, **headers: str) -> Answer:
        """A change by cookie."""
        return self.ask_by_cookie("PATCH", f"/api/v1/terminals/{SN}", b'{"name":"x"}', **headers)

    def sign_in(self, token: str = OPERATOR, **headers: str) -> Answer:
        """Sign in over TLS."""
        given = {"X_Forwarded_Proto": "https", **headers}
        return self.post(PATH, {"token": token}, None, **given)


class SignInTests(SessionCase):
    """A token for a cookie."""

    def test_cookie(self) -> None:
        """Over TLS the cookie has all that browsers have for it; the answer says who it is."""
        answer = self.sign_in()
        self.assertEqual(answer.status, 201)
        name, *parts = answer.headers["set-cookie"].split("; ")
        self.assertEqual(name, f"__Host-tfs={SECRET}")
        self.assertEqual(set(parts), {"Path=/", "Max-Age=3600", "HttpOnly", "SameSite=Strict", "Secure"})
        self.assertEqual((answer.body["id"], answer.body["role"]), ("o", "operator"))
        self.assertEqual(answer.body["csrf"], csrf_of(SECRET))
        self.assertEqual(answer.body["expires"], "1970-01-01T01:00:00.000Z")
        self.assertNotIn(SECRET.encode(), answer.raw.partition(b"\r\n\r\n")[2])
        self.assertIn("strict-transport-security", answer.headers)

    def test_noted(self) -> None:
        """The audit knows who signed in, from where, and nothing that opens anything."""
        self.sign_in(ADMIN, X_Forwarded_For="203.0.113.9")
        [args] = self.audit.asked("write")
        self.assertEqual(args, ("token a (Ana)", "begin_session", "", "done", {"address": "203.0.113.9"}))

    def test_wrong_token(self) -> None:
        """A token that is not accepted opens nothing, and the audit is not filled with such."""
        for body in ({"token": "tfs_wrong"}, {"token": ""}, {}, {"token": 1}, {"token": "x" * 201}):
            answer = self.ask("POST", PATH, str(body).replace("'", '"').encode(), None)
            self.assertIn(answer.status, (401, 403, 422))
            self.assertNotIn("set-cookie", answer.headers)
        self.assert_problem(self.sign_in("tfs_wrong"), 401)
        self.assertEqual((self.sessions.calls, self.audit.calls), ([], []))

    def test_revoked_meanwhile(self) -> None:
        """A token that was revoked between two looks opens nothing."""
        self.sessions.given["begin"] = None
        self.assert_problem(self.sign_in(), 401)

    def test_store_away(self) -> None:
        """Without the store nobody signs in, and nobody is told that the token is wrong."""
        self.sessions.given["begin"] = StoreUnavailable("away")
        self.assert_problem(self.sign_in(), 503)

    def test_without_tls(self) -> None:
        """Over plain HTTP nobody signs in from elsewhere."""
        answer = self.sign_in(X_Forwarded_Proto="http")
        self.assert_problem(answer, 403)
        self.assertEqual(self.sessions.calls, [])

    def test_page_of_others(self) -> None:
        """No page of others signs its reader in."""
        for headers in (
            {"Origin": "https://evil.example"},
            {"Origin": "null"},
            {"Origin": "http://gate.example"},
            {"Sec_Fetch_Site": "cross-site"},
            {"Sec_Fetch_Site": "same-site"},
        ):
            self.assert_problem(self.sign_in(**headers), 403)
        self.assertEqual(self.sessions.calls, [])
        answer = self.sign_in(Origin="https://gate.example", Sec_Fetch_Site="same-origin")
        self.assertEqual(answer.status, 201)


class UseTests(SessionCase):
    """A cookie instead of a token."""

    def test_look(self) -> None:
        """Who is signed in may look, and learns who it is and what to send with changes."""
        self.assertEqual(self.ask_by_cookie("GET", "/api/v1/terminals").status, 200)
        answer = self.ask_by_cookie("GET", PATH)
        self.assertEqual((answer.status, answer.body["csrf"]), (200, csrf_of(SECRET)))
        mine = self.get(PATH, OPERATOR).body
        self.assertEqual((mine["id"], mine["expires"], mine["csrf"]), ("o", None, None))

    def test_role(self) -> None:
        """A cookie allows what its token does."""
        self.assert_problem(self.ask_by_cookie("GET", "/api/v1/tokens"), 403)

    def test_token_wins(self) -> None:
        """With a token the cookie is not looked at, nor is more asked for."""
        headers = {"X_Forwarded_Proto": "https", "Cookie": f"__Host-tfs={SECRET}"}
        self.assertEqual(self.get("/api/v1/tokens", ADMIN, **headers).status, 200)
        self.assert_problem(self.get("/api/v1/tokens", "tfs_wrong", **headers), 401)
        body = b'{"name":"x"}'
        path = f"/api/v1/terminals/{SN}"
        more = {**headers, "Origin": "https://evil.example", "Sec_Fetch_Site": "cross-site"}
        self.assertEqual(self.ask("PATCH", path, body, OPERATOR, **more).status, 200)
        self.assertEqual(self.sessions.calls, [])

    def test_changes(self) -> None:
        """A change needs what only a page of ours can know."""
        for given in ("", "x", csrf_of("other"), SECRET, csrf_of(SECRET)[:-1], "\xff"):
            self.assert_problem(self.changes(X_CSRF_Token=given), 403)
        self.assert_problem(self.changes(), 403)
        self.assertEqual(self.terminals.asked("change"), [])
        self.assertEqual(self.changes(X_CSRF_Token=csrf_of(SECRET)).status, 200)
        self.assertEqual(len(self.terminals.asked("change")), 1)

    def test_changes_of_others(self) -> None:
        """What the browser says of the page counts even when that knew it."""
        right = {"X_CSRF_Token": csrf_of(SECRET)}
        for headers in (
            {"Origin": "https://evil.example"},
            {"Origin": "https://gate.example.evil.example"},
            {"Origin": "https://gate.example:444"},
            {"Origin": "null"},
            {"Sec_Fetch_Site": "cross-site"},
            {"Sec_Fetch_Site": "same-site"},
            {"Sec_Fetch_Site": "none"},
        ):
            self.assert_problem(self.changes(**right, **headers), 403)
        self.assertEqual(self.terminals.asked("change"), [])
        for headers in ({"Origin": "https://gate.example"}, {"Sec_Fetch_Site": "same-origin"}):
            self.assertEqual(self.changes(**right, **headers).status, 200)

    def test_looks_of_others(self) -> None:
        """What a page of others asks for is asked without the cookie."""
        for headers in ({"Sec_Fetch_Site": "cross-site"}, {"Origin": "https://evil.example"}):
            self.assert_problem(self.ask_by_cookie("GET", "/api/v1/terminals", **headers), 401)
        self.assertEqual(self.sessions.calls, [])

    def test_over(self) -> None:
        """A session that is over is 401, and the browser forgets its cookie."""
        answer = self.ask_by_cookie("GET", "/api/v1/terminals", cookie="__Host-tfs=over")
        self.assert_problem(answer, 401)
        self.assertIn("__Host-tfs=; Path=/; Max-Age=0", answer.headers["set-cookie"])

    def test_names(self) -> None:
        """Over TLS only the name counts that no neighbour can set, and the other only without TLS."""
        for cookie in (
            f"tfs={SECRET}",
            f"__Host-tfsx={SECRET}",
            f"x=__Host-tfs={SECRET}",
            "__Host-tfs",
            ";=",
        ):
            self.assert_problem(self.ask_by_cookie("GET", "/api/v1/terminals", cookie=cookie), 401)
        plain = {"X_Forwarded_Proto": "http"}
        for cookie, status in ((f"__Host-tfs={SECRET}", 401), (f"a=b; tfs={SECRET}", 200)):
            answer = self.ask_by_cookie("GET", "/api/v1/terminals", cookie=cookie, **plain)
            self.assertEqual(answer.status, status, cookie)

    def test_long(self) -> None:
        """A cookie that is none of ours is not looked up."""
        answer = self.ask_by_cookie("GET", "/api/v1/terminals", cookie=f"__Host-tfs={'x' * 4000}")
        self.assert_problem(answer, 401)
        self.assertEqual(self.sessions.calls, [])

    def test_store_away(self) -> None:
        """Without the store nobody is signed out."""
        self.sessions.given["find"] = StoreUnavailable("away")
        answer = self.ask_by_cookie("GET", "/api/v1/terminals")
        self.assert_problem(answer, 503)
        self.assertNotIn("set-cookie", answer.headers)


class SignOutTests(SessionCase):
    """The end."""

    def test_out(self) -> None:
        """Signing out ends the session and takes the cookie away; it is a change like others."""
        self.assert_problem(self.ask_by_cookie("DELETE", PATH), 403)
        self.assertEqual(self.sessions.asked("end"), [])
        answer = self.ask_by_cookie("DELETE", PATH, X_CSRF_Token=csrf_of(SECRET))
        self.assertEqual(answer.status, 204)
        self.assertIn("Max-Age=0", answer.headers["set-cookie"])
        self.assertEqual(self.sessions.asked("end"), [(self.opened,)])

    def test_by_token(self) -> None:
        """Who sends a token has no session to end."""
        self.assertEqual(self.delete(PATH, OPERATOR).status, 204)
        self.assertEqual(self.sessions.asked("end"), [])


class StreamTests(SessionCase):
    """The stream by cookie, which is all that browsers' EventSource can send."""

    def stream(self) -> Any:
        """A browser that watches."""
        headers = {"X_Forwarded_Proto": "https", "Cookie": f"__Host-tfs={SECRET}"}
        return self.begin("GET", "/api/v1/stream", b"", None, **headers)

    def test_ends_with_the_session(self) -> None:
        """It goes on as long as the session, which it uses, and ends with it."""
        watching, by_token = self.stream(), self.begin("GET", "/api/v1/stream")
        self.clock.pump([0.25] * 60)
        self.assertFalse(watching.is_closed)
        self.assertIn((self.opened.digest,), self.sessions.asked("use"))
        self.sessions.given["use"] = None
        self.clock.pump([0.25] * 24)
        self.assertTrue(watching.is_closed)
        self.assertFalse(by_token.is_closed)

    def test_ends_with_another_reach(self) -> None:
        """It ends when who signed in reaches something else than when it began: it is told by what was."""
        changes: tuple[dict[str, Any], ...] = (
            {"sites": ("north",)},
            {"role": Role.READER},
            {"templates": True},
        )
        for change in changes:
            self.sessions.given["use"] = self.opened
            watching = self.stream()
            changed = msgspec.structs.replace(self.opened.who, **change)
            self.sessions.given["use"] = self.opened._replace(who=changed)
            self.clock.pump([0.25] * 24)
            self.assertTrue(watching.is_closed, change)
