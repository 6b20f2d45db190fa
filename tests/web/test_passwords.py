"""Signing in by name and password, and what somebody may do with the own account."""

from __future__ import annotations

from typing import Any

from twisted.logger import LogEvent, eventAsText, globalLogPublisher

from tests.web.in_memory import OPERATOR, READER, Answer, PagesCase
from tests.web.samples import PASSWORD, an_account
from tfserver.config import LimitSettings, Web
from tfserver.errors import StoreUnavailable
from tfserver.store.accounts import ChangedMeanwhile, Proven
from tfserver.store.passwords import Busy, WeakPassword
from tfserver.store.principals import Role
from tfserver.store.sessions import Opened
from tfserver.web.cookies import csrf_of
from tfserver.web.lockout import LONGEST_OF_A_NAME, MINUTE

PATH = "/api/v1/session"
OWN = f"{PATH}/account"
SECRET = "cookie-secret"
INES = an_account(language="ar")
OPENED = Opened(INES, 3_600_000, "d" * 64)
FAR, NEAR = "203.0.113.1", "203.0.113.2"


class AccountCase(PagesCase):
    """Ines, whose password is known, by way of a trusted proxy; three wrong ones a minute."""

    web = Web(wrong_tokens=3)
    limits = LimitSettings(trusted_proxies=["192.168.0.0/16"], exempt=[])

    def setUp(self) -> None:
        """She has an account."""
        super().setUp()
        self.accounts.given["check"] = self.check
        self.sessions.given.update(enter=(SECRET, OPENED), find=lambda secret: self.session(secret))

    def check(self, name: str, password: str) -> Proven | None:
        """As the store does it."""
        return Proven(INES, "$hash") if (name, password) == ("ines", PASSWORD) else None

    def session(self, secret: str) -> Opened | None:
        """Her session."""
        return OPENED if secret == SECRET else None

    def sign_in(self, name: str = "ines", password: str = PASSWORD, address: str = FAR) -> Answer:
        """Sign in over TLS."""
        given = {"X_Forwarded_Proto": "https", "X_Forwarded_For": address}
        return self.post(PATH, {"name": name, "password": password}, None, **given)

    def by_cookie(self, method: str, path: str, body: bytes = b"") -> Answer:
        """A change of her browser."""
        given = {"Cookie": f"__Host-tfs={SECRET}", "X_CSRF_Token": csrf_of(SECRET), "X_Forwarded_For": FAR}
        return self.ask(method, path, body, None, X_Forwarded_Proto="https", **given)


class SignInTests(AccountCase):
    """A name and a password for a cookie."""

    def test_signed_in(self) -> None:
        """She gets a cookie, and is told who she is; the audit knows from where."""
        answer = self.sign_in("Ines")
        self.assertEqual(answer.status, 201, answer.raw)
        self.assertTrue(answer.headers["set-cookie"].startswith(f"__Host-tfs={SECRET}; "))
        told = {"kind": "account", "id": "c0ffee", "name": "ines", "role": "operator", "language": "ar"}
        self.assertEqual({name: answer.body[name] for name in told}, told)
        self.assertEqual(self.sessions.asked("enter"), [(Proven(INES, "$hash"),)])
        [args] = self.audit.asked("write")
        self.assertEqual(args, ("account ines", "begin_session", "", "done", {"address": FAR}))
        self.assertEqual(self.metrics.sign_ins["account"], 1)
        self.assertNotIn(PASSWORD, str(answer.raw) + str(self.audit.calls))

    def test_look(self) -> None:
        """What asks is told: an account with its language, or a token."""
        found = self.by_cookie("GET", PATH).body
        self.assertEqual(
            (found["kind"], found["language"], found["csrf"]), ("account", "ar", csrf_of(SECRET))
        )
        found = self.get(PATH, OPERATOR).body
        self.assertEqual((found["kind"], found["language"]), ("token", None))

    def test_wrong(self) -> None:
        """A wrong password and a name that nobody has get the same answer, and leave nothing in the audit."""
        answers = [self.sign_in("ines", "wrong"), self.sign_in("nobody", PASSWORD)]
        for answer in answers:
            self.assert_problem(answer, 401)
            self.assertNotIn("set-cookie", answer.headers)
        self.assertEqual(answers[0].body, answers[1].body)
        self.assertEqual((self.audit.calls, self.sessions.calls), ([], []))
        self.assertEqual(self.metrics.http_refused["wrong password"], 2)

    def test_one_way(self) -> None:
        """Either a token, or name and password: never half of it, never both."""
        both: list[dict[str, Any]] = [
            {},
            {"name": "ines"},
            {"password": PASSWORD},
            {"token": READER, "name": "ines"},
            {"token": READER, "name": "ines", "password": PASSWORD},
        ]
        for body in both:
            self.assert_problem(self.post(PATH, body, None, X_Forwarded_Proto="https"), 422, "token")
        self.assertEqual(self.accounts.calls + self.tokens.calls, [])

    def test_changed_meanwhile(self) -> None:
        """A password that was right and is no longer opens nothing."""
        self.sessions.given["enter"] = None
        self.assert_problem(self.sign_in(), 401)

    def test_not_now(self) -> None:
        """Without the store, or with too many who sign in, nobody's password is wrong."""
        for failure in (StoreUnavailable("away"), Busy()):
            self.accounts.given["check"] = failure
            for _ in range(5):
                self.assert_problem(self.sign_in(), 503)

    def test_without_tls(self) -> None:
        """Over plain HTTP no password is looked at."""
        answer = self.post(PATH, {"name": "ines", "password": PASSWORD}, None, X_Forwarded_Proto="http")
        self.assert_problem(answer, 403)
        self.assertEqual(self.accounts.calls, [])


class LockoutTests(AccountCase):
    """Wrong passwords."""

    def guess(self, name: str = "ines", *addresses: str) -> None:
        """Be wrong too often, from one address or from several."""
        for n in range(4):
            address = addresses[n % len(addresses)] if addresses else f"198.51.100.{n}"
            self.assert_problem(self.sign_in(name, f"guess {n}", address), 401)

    def test_address(self) -> None:
        """An address with too many wrong ones waits, whatever the name, also with a right one and a token."""
        for n in range(4):
            self.assert_problem(self.sign_in(f"somebody-{n}", "guess"), 401)
        self.accounts.calls.clear()
        answer = self.sign_in()
        self.assert_problem(answer, 429)
        self.assertEqual(answer.headers["retry-after"], "60")
        self.assert_problem(self.get(PATH, READER, X_Forwarded_For=FAR), 429)
        self.assertEqual((self.accounts.calls, self.tokens.calls), ([], []))
        self.assertEqual(self.sign_in(address=NEAR).status, 201)

    def test_name(self) -> None:
        """A name with too many wrong ones waits wherever they come from, whether anybody has it or not."""
        for name in ("ines", "nobody"):
            self.guess(name)
            self.accounts.calls.clear()
            for password in (PASSWORD, "guess"):
                answer = self.sign_in(name.upper(), password, NEAR)
                self.assert_problem(answer, 429)
                self.assertEqual(answer.headers["retry-after"], "60")
            self.assertEqual(self.accounts.calls, [])
        self.assert_problem(self.sign_in("another", "guess", NEAR), 401)

    def test_delay_and_no_ban(self) -> None:
        """However long somebody guesses, a name waits five minutes at most."""
        waits = []
        for _ in range(6):
            self.guess()
            waits.append(int(self.sign_in(address=NEAR).headers["retry-after"]))
            self.clock.advance(waits[-1])
        self.assertEqual(waits, [60, 120, 240, LONGEST_OF_A_NAME, LONGEST_OF_A_NAME, LONGEST_OF_A_NAME])
        self.assertEqual(self.sign_in(address=NEAR).status, 201)

    def test_from_where_it_was_right(self) -> None:
        """Who signed in from an address goes on from there, whatever others far away do to the name."""
        self.assertEqual(self.sign_in(address=NEAR).status, 201)
        self.guess()
        self.assert_problem(self.sign_in(address=FAR), 429)
        self.assertEqual(self.sign_in(address=NEAR).status, 201)

    def test_without_bounds(self) -> None:
        """Of addresses without bounds, which may be everybody's, the name waits all the same."""
        headers = {"X_Forwarded_Proto": "https"}
        body = {"name": "ines", "password": PASSWORD}
        self.assertEqual(self.post(PATH, body, None, **headers).status, 201)
        for _ in range(4):
            self.assert_problem(self.post(PATH, {**body, "password": "guess"}, None, **headers), 401)
        self.assert_problem(self.post(PATH, body, None, **headers), 429)
        self.clock.advance(MINUTE)
        self.assertEqual(self.post(PATH, body, None, **headers).status, 201)

    def test_not_logged(self) -> None:
        """Neither name nor password is logged: people write one into the field of the other."""
        logged: list[LogEvent] = []
        globalLogPublisher.addObserver(logged.append)
        self.addCleanup(globalLogPublisher.removeObserver, logged.append)
        self.guess("my-secret-word")
        told = "".join(eventAsText(event) for event in logged)
        self.assertIn("too many wrong passwords", told)
        for text in ("my-secret-word", "guess "):
            self.assertNotIn(text, told)


class OwnTests(AccountCase):
    """What somebody changes of the own account."""

    def change(self, body: bytes) -> Answer:
        """A change of Ines."""
        return self.by_cookie("PATCH", OWN, body)

    def test_password(self) -> None:
        """With the old password there is another, and the session that did it stays."""
        body = b'{"old_password":"%b","password":"seven grey herons"}' % PASSWORD.encode()
        answer = self.change(body)
        self.assertEqual(answer.status, 200, answer.raw)
        asked = self.accounts.asked("renew_password")
        self.assertEqual(asked, [(Proven(INES, "$hash"), "seven grey herons", OPENED.digest)])
        [(actor, what, _, outcome, detail)] = self.audit.asked("write")
        self.assertEqual((actor, what, outcome), ("account ines", "change_own_account", "done"))
        self.assertEqual(detail, {"password": "another"})

    def test_without_the_old_one(self) -> None:
        """Without the old password there is none, and guessing it locks out as it does elsewhere."""
        self.assert_problem(self.change(b'{"password":"seven grey herons"}'), 422, "old_password")
        for _ in range(4):
            body = b'{"password":"seven grey herons","old_password":"guess"}'
            self.assert_problem(self.change(body), 403)
        # the address waits, and who is signed in there may go on looking
        self.assertEqual(self.by_cookie("GET", PATH).status, 200)
        self.assert_problem(self.change(body), 429)
        self.assertEqual(self.accounts.asked("renew_password"), [])

    def test_refused(self) -> None:
        """A weak one, and one that others changed meanwhile, is told as that."""
        body = b'{"old_password":"%b","password":"weak"}' % PASSWORD.encode()
        for failure, status, fields in (
            (WeakPassword("expected more"), 422, ["password"]),
            (ChangedMeanwhile("others"), 409, []),
        ):
            self.accounts.given["renew_password"] = failure
            self.assert_problem(self.change(body), status, *fields)

    def test_language(self) -> None:
        """The language is changed alone, and told in the answer."""
        self.accounts.given["change"] = an_account(language="en")
        answer = self.change(b'{"language":"en"}')
        self.assertEqual((answer.status, answer.body["language"]), (200, "en"))
        self.accounts.given["change"] = an_account()
        self.assertIsNone(self.change(b'{"language":null}').body["language"])
        asked = self.accounts.asked("change")
        self.assertEqual(asked, [("ines", {"language": "en"}), ("ines", {"language": ""})])

    def test_nothing_else(self) -> None:
        """Nobody gives more to the own account."""
        for body in (b'{"role":"admin"}', b'{"sites":[]}', b'{"templates":true}'):
            self.assertEqual(self.change(body).status, 422)
        self.assertEqual(self.accounts.asked("change"), [])

    def test_token(self) -> None:
        """A token has nothing of that."""
        self.assert_problem(self.ask("PATCH", OWN, b'{"language":"ar"}', OPERATOR), 409)

    def test_sign_out_everywhere(self) -> None:
        """All sessions end, and the browser forgets its cookie; for a token all of that token's do."""
        answer = self.by_cookie("DELETE", "/api/v1/sessions")
        self.assertEqual(answer.status, 204)
        self.assertIn("Max-Age=0", answer.headers["set-cookie"])
        self.assertEqual(self.delete("/api/v1/sessions", READER).status, 204)
        ended = [who for (who,) in self.sessions.asked("end_all")]
        self.assertEqual(ended, [INES, self.accepted[READER]])


class ReachTests(AccountCase):
    """An account like any who asks."""

    def test_rates(self) -> None:
        """Rates, shares and idempotency keys go by the id, which nobody else ever has."""
        self.sessions.given["find"] = lambda _: OPENED._replace(who=an_account(role=Role.ADMIN))
        given = {"Cookie": f"__Host-tfs={SECRET}", "X_CSRF_Token": csrf_of(SECRET), "Idempotency_Key": "k1"}
        body = {"name": "payroll", "role": "reader"}
        answer = self.post("/api/v1/tokens", body, None, X_Forwarded_Proto="https", **given)
        self.assertEqual(answer.status, 201, answer.raw)
        [(_, entry, key)] = self.tokens.asked("issue")
        self.assertEqual((key, entry.created_by), ("c0ffee:k1", "account ines"))
