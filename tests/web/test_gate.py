"""How often somebody may ask, and who is not listened to."""

from __future__ import annotations

from tests.web.in_memory import ADMIN, OPERATOR, READER, Answer, PagesCase
from tfserver.config import LimitSettings, Web
from tfserver.errors import StoreUnavailable
from tfserver.web.lockout import MINUTE

WRONG = "tfs_wrong-secret"
PATH = "/api/v1/terminals"


class RateTests(PagesCase):
    """Two requests a second."""

    web = Web(requests_per_second=2)
    limits = LimitSettings(exempt=[])

    def test_token(self) -> None:
        """A token that asks too often is told when to come again; others are not touched by that."""
        found = [self.get(PATH).status for _ in range(25)]
        self.assertEqual(found, [200] * 20 + [429] * 5)
        answer = self.get(PATH)
        self.assert_problem(answer, 429)
        self.assertEqual(answer.headers["retry-after"], "1")
        self.assertEqual(self.get(PATH, OPERATOR).status, 200)
        self.clock.advance(0.5)
        self.assertEqual([self.get(PATH).status for _ in range(2)], [200, 429])

    def test_counted(self) -> None:
        """It is counted, without saying who it was."""
        for _ in range(22):
            self.get(PATH)
        told = self.get("/metrics", None).body
        self.assertIn('tfserver_http_refused_total{why="too many requests"} 2.0', told)
        self.assertNotIn("192.168.1.1", told)

    def test_nothing_is_done(self) -> None:
        """What is refused is not done, and is no matter for the audit."""
        for _ in range(20):
            self.get(PATH, ADMIN)
        self.assert_problem(self.delete("/api/v1/tokens/x"), 429)
        self.assertEqual((self.tokens.asked("revoke"), self.audit.calls), ([], []))

    def test_without_a_token(self) -> None:
        """The metrics are made for an address as often as for a token; balancers may ask as they like."""
        found = [self.get("/metrics", None).status for _ in range(22)]
        self.assertEqual(found, [200] * 20 + [429] * 2)
        self.assertEqual({self.get("/healthz", None).status for _ in range(50)}, {200})
        self.assertEqual({self.get("/readyz", None).status for _ in range(50)}, {200})


class LockoutTests(PagesCase):
    """Three wrong tokens a minute."""

    web = Web(wrong_tokens=3)
    limits = LimitSettings(exempt=[], trusted_proxies=["192.168.0.0/16"])

    def ask_from(self, address: str, token: str = WRONG) -> Answer:
        """A request from an address, by way of a trusted proxy."""
        return self.get(PATH, token, X_Forwarded_For=address)

    def lock(self, address: str) -> None:
        """Be wrong too often."""
        for _ in range(4):
            self.assert_problem(self.ask_from(address), 401)

    def test_locked(self) -> None:
        """Nothing is looked up for an address that is locked out, also not for right tokens; others go on."""
        self.lock("203.0.113.1")
        self.tokens.calls.clear()
        for token in (WRONG, READER):
            answer = self.ask_from("203.0.113.1", token)
            self.assert_problem(answer, 429)
            self.assertEqual(answer.headers["retry-after"], "60")
            self.assertIn("right ones", answer.body["detail"])
        self.assertEqual(self.tokens.calls, [])
        self.assertEqual(self.metrics.http_refused["locked out"], 2)
        self.assertEqual(self.ask_from("203.0.113.2", READER).status, 200)

    def test_over(self) -> None:
        """When it is over it is listened to again, and the next time takes longer."""
        self.lock("203.0.113.1")
        self.clock.advance(MINUTE)
        self.assertEqual(self.ask_from("203.0.113.1", READER).status, 200)
        self.lock("203.0.113.1")
        self.assertEqual(self.ask_from("203.0.113.1").headers["retry-after"], "120")

    def test_office(self) -> None:
        """Who was right from there goes on, though a script beside it is not; others have to wait."""
        self.assertEqual(self.ask_from("203.0.113.1", READER).status, 200)
        self.lock("203.0.113.1")
        self.assertEqual(self.ask_from("203.0.113.1", READER).status, 200)
        self.assert_problem(self.ask_from("203.0.113.1", OPERATOR), 429)

    def test_token_that_was_right(self) -> None:
        """A token that was revoked is no guess: its script does not lock out the office."""
        self.assertEqual(self.ask_from("203.0.113.1", OPERATOR).status, 200)
        del self.accepted[OPERATOR]
        for _ in range(10):
            self.assert_problem(self.ask_from("203.0.113.1", OPERATOR), 401)
        self.assertEqual(self.ask_from("203.0.113.1", READER).status, 200)

    def test_networks(self) -> None:
        """Another address of the same network of IPv6 is no way around it."""
        for number in range(4):
            self.assert_problem(self.ask_from(f"2001:db8::{number}"), 401)
        self.assert_problem(self.ask_from("2001:db8::99"), 429)
        self.assert_problem(self.ask_from("2001:db8:0:1::1"), 401)

    def test_proxy_without_words(self) -> None:
        """A proxy that says nothing of whom it brings is not locked out: it brings everybody."""
        for _ in range(10):
            self.assert_problem(self.get(PATH, WRONG), 401)

    def test_store_away(self) -> None:
        """A store that is away makes no token wrong."""
        self.tokens.given["find"] = StoreUnavailable("away")
        for _ in range(10):
            self.assert_problem(self.ask_from("203.0.113.1"), 503)
        self.tokens.given["find"] = self.accepted.get
        self.assertEqual(self.ask_from("203.0.113.1", READER).status, 200)

    def test_every_way(self) -> None:
        """Tokens, cookies and sign-ins count alike."""
        far = {"X_Forwarded_For": "203.0.113.1", "X_Forwarded_Proto": "https"}
        self.assert_problem(self.ask_from("203.0.113.1"), 401)
        self.assert_problem(self.get(PATH, None, Cookie="__Host-tfs=wrong", **far), 401)
        for _ in range(2):
            self.assert_problem(self.post("/api/v1/session", {"token": WRONG}, None, **far), 401)
        self.assert_problem(self.post("/api/v1/session", {"token": READER}, None, **far), 429)
        self.assert_problem(self.get(PATH, None, **far), 401)
