"""``/accounts``: made, changed, disabled, deleted and signed out by administrators."""

from __future__ import annotations

from typing import Any

from tests.web.in_memory import ADMIN, Answer, PagesCase
from tests.web.samples import PASSWORD, an_account
from tfserver.config import LimitSettings
from tfserver.store.accounts import (
    Account,
    ChangedMeanwhile,
    Listed,
    NameTaken,
    NoSuchAccount,
    TooManyAccounts,
)
from tfserver.store.passwords import Busy, WeakPassword
from tfserver.store.principals import Role
from tfserver.store.sessions import Opened
from tfserver.web.cookies import csrf_of

PATH = "/api/v1/accounts"
INES = f"{PATH}/ines"
WANTED = {"name": "bo", "role": "reader", "password": PASSWORD}
FIELDS = {
    *("name", "role", "sites", "templates", "language", "disabled"),
    *("created", "created_by", "signed_in"),
}
SECRET = "cookie-secret"


class CreateTests(PagesCase):
    """Making accounts."""

    def create(self, **changes: Any) -> Answer:
        """A request for one."""
        return self.post(PATH, {**WANTED, **changes}, ADMIN)

    def test_made(self) -> None:
        """It is made as it was asked for, and its password is in no answer and no audit."""
        self.clock.advance(1.5)
        answer = self.create(sites=["north", "east", "north"], language="pt-BR", templates=True)
        self.assertEqual(answer.status, 201, answer.raw)
        [(account, password)] = self.accounts.asked("create")
        self.assertEqual(password, PASSWORD)
        made = an_account(id="", role=Role.READER, created_ms=1500, name="bo", sites=("north", "east"))
        self.assertEqual((account.role, account.sites, account.language), (made.role, made.sites, "pt-BR"))
        self.assertEqual((account.created_ms, account.created_by), (1500, "token a (Ana)"))
        self.assertEqual(set(answer.body), FIELDS)
        self.assertEqual((answer.body["templates"], answer.body["signed_in"]), (True, None))
        [(_, what, _, outcome, detail)] = self.audit.asked("write")
        self.assertEqual((what, outcome, detail["account"]), ("create_account", "done", "bo"))
        for told in (str(answer.raw), str(self.audit.calls)):
            self.assertNotIn(PASSWORD, told)

    def test_wrong(self) -> None:
        """Wrong input names its field and what was expected, never what was sent."""
        for change, field in (
            ({"name": "-bo"}, "name"),
            ({"name": "x" * 65}, "name"),
            ({"name": None}, "name"),
            ({"role": "boss"}, "role"),
            ({"password": ""}, "password"),
            ({"password": 7}, "password"),
            ({"password": PASSWORD * 100}, "password"),
            ({"language": "_"}, "language"),
            ({"language": "a-" + "b" * 40}, "language"),
            ({"sites": [""]}, "sites[0]"),
            ({"disabled": True}, "disabled"),
        ):
            answer = self.create(**change)
            self.assert_problem(answer, 422, field)
            self.assertNotIn(PASSWORD, str(answer.raw))
        self.assertEqual(self.accounts.asked("create"), [])
        self.assertIn("letters", self.create(name="b o").body["detail"])

    def test_refused(self) -> None:
        """What the store refuses is told as what it is."""
        for failure, status, fields in (
            (NameTaken("taken"), 409, []),
            (TooManyAccounts("full"), 409, []),
            (WeakPassword("expected more"), 422, ["password"]),
            (Busy(), 503, []),
        ):
            self.accounts.given["create"] = failure
            self.assert_problem(self.create(), status, *fields)


class LookTests(PagesCase):
    """Accounts as they are shown."""

    def test_listed(self) -> None:
        """All come with what is known of them."""
        [found] = self.get(PATH, ADMIN).body["accounts"]
        self.assertEqual(set(found), FIELDS)
        self.assertEqual((found["name"], found["signed_in"]), ("ines", "1970-01-01T00:00:02.000Z"))

    def test_one(self) -> None:
        """One is found by its name in any case; one that is not there is 404."""
        self.assertEqual(self.get(f"{PATH}/INES", ADMIN).body["name"], "ines")
        self.assertEqual(self.accounts.asked("listed"), [("INES",)])
        self.accounts.given["listed"] = NoSuchAccount("no")
        self.assert_problem(self.get(f"{PATH}/bo", ADMIN), 404)
        self.assert_problem(self.get(f"{PATH}/-bo", ADMIN), 404)


class ChangeTests(PagesCase):
    """What an administrator changes of others."""

    def test_changed(self) -> None:
        """Only what was sent is changed; null takes the language away."""
        for given, kept, password in (
            ({"role": "admin"}, {"role": Role.ADMIN}, ""),
            ({"language": None, "templates": True}, {"language": "", "templates": True}, ""),
            ({"sites": ["a", "b", "a"]}, {"sites": ("a", "b")}, ""),
            ({"disabled": True, "password": PASSWORD}, {"disabled": True}, PASSWORD),
            ({}, {}, ""),
        ):
            self.assertEqual(self.patch(INES, given, ADMIN).status, 200)
            self.assertEqual(self.accounts.asked("change")[-1], ("ines", kept, password))
        self.assertNotIn(PASSWORD, str(self.audit.calls))
        details = [args[4] for args in self.audit.asked("write")]
        self.assertEqual(details[0], {"account": "ines", "role": Role.ADMIN})
        self.assertEqual(details[3], {"account": "ines", "disabled": True, "password": "another"})

    def test_refused(self) -> None:
        """What can't be is told as what it is."""
        for failure, status, fields in (
            (NoSuchAccount("no"), 404, []),
            (ChangedMeanwhile("others"), 409, []),
            (WeakPassword("expected more"), 422, ["password"]),
            (Busy(), 503, []),
        ):
            self.accounts.given["change"] = failure
            self.assert_problem(self.patch(INES, {"password": PASSWORD}, ADMIN), status, *fields)
        self.assert_problem(self.patch(INES, {"name": "bo"}, ADMIN), 422, "name")

    def test_deleted(self) -> None:
        """It is deleted by its name."""
        self.assertEqual(self.delete(INES).status, 204)
        self.assertEqual(self.accounts.asked("delete"), [("ines",)])
        self.assertEqual(self.audit.asked("write")[0][4], {"account": "ines"})
        self.accounts.given["delete"] = NoSuchAccount("no")
        self.assert_problem(self.delete(INES), 404)

    def test_signed_out(self) -> None:
        """All its sessions end."""
        self.assertEqual(self.delete(f"{INES}/sessions").status, 204)
        self.assertEqual(self.sessions.asked("end_all"), [(an_account(),)])
        self.accounts.given["get"] = NoSuchAccount("no")
        self.assert_problem(self.delete(f"{INES}/sessions"), 404)


class OwnTests(PagesCase):
    """An administrator who is signed in by an account of its own."""

    limits = LimitSettings(trusted_proxies=["192.168.0.0/16"], exempt=["192.168.0.0/16"])

    def setUp(self) -> None:
        """Ines is."""
        super().setUp()
        self.account: Account = an_account(role=Role.ADMIN)
        self.sessions.given["find"] = lambda _: Opened(self.account, 3_600_000, "d" * 64)

    def by_cookie(self, method: str, path: str, body: bytes = b"") -> Answer:
        """A change of a browser over TLS."""
        given = {"Cookie": f"__Host-tfs={SECRET}", "X_CSRF_Token": csrf_of(SECRET)}
        return self.ask(method, path, body, None, X_Forwarded_Proto="https", **given)

    def test_locks_nobody_out(self) -> None:
        """Nobody takes away what the own account may do, nor goes around its old password."""
        for body in (b'{"role":"reader"}', b'{"sites":["a"]}', b'{"disabled":true}', b'{"password":"x"}'):
            for path in (INES, f"{PATH}/Ines"):
                self.assert_problem(self.by_cookie("PATCH", path, body), 409)
        self.assert_problem(self.by_cookie("DELETE", INES), 409)
        self.assertEqual(self.accounts.asked("change") + self.accounts.asked("delete"), [])
        self.assertEqual(self.by_cookie("PATCH", INES, b'{"language":"ar"}').status, 200)

    def test_others(self) -> None:
        """Of others it may, and the audit has its name."""
        self.accounts.given.update(change=an_account(name="bo"), listed=Listed(an_account(name="bo"), None))
        self.assertEqual(self.by_cookie("PATCH", f"{PATH}/bo", b'{"disabled":true}').status, 200)
        self.assertEqual(self.by_cookie("DELETE", f"{PATH}/bo").status, 204)
        self.assertEqual({actor for actor, *_ in self.noted()}, {"account ines"})

    def test_bound(self) -> None:
        """Who is bound to sites, or is no administrator, makes no accounts."""
        for change in (an_account(role=Role.ADMIN, sites=("north",)), an_account()):
            self.account = change
            answer = self.by_cookie("POST", PATH, b"{}")
            self.assert_problem(answer, 403)
            self.assertIn("account", answer.body["detail"])

    def test_token_of_that_name(self) -> None:
        """A token that is called like an account is another."""
        self.accepted[ADMIN] = self.accepted[ADMIN].__class__("x", Role.ADMIN, 1, "ines")
        self.assertEqual(self.delete(INES).status, 204)
