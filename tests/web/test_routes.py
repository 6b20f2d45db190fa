"""Rules that hold for every route, read off the table: a route without a rule fails here."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.logger import LogEvent, LogLevel, eventAsText, globalLogPublisher

from tests.web.every_route import STREAM, EveryRouteCase, filled
from tests.web.in_memory import ADMIN, BOUND, OPERATOR, READER, TOKENS
from tfserver.errors import StoreUnavailable
from tfserver.store.principals import Role
from tfserver.web.route import Scope
from tfserver.web.router import Router
from tfserver.web.routes import ROUTES

OF_PLANS = "/api/v1/sync/"
"""Not for tokens that are bound to sites."""
OPEN = {"/healthz", "/readyz", "/metrics"}
SIGN_IN = "/api/v1/session"
OWN = {"end_session", "end_sessions", "change_own_account"}
"""Of oneself everybody may change something."""
OF_ACCOUNTS = "change_own_account"
"""What tokens can't ask, whatever they may do."""
REMEMBERED = "list_handshakes"
"""What a process remembers by itself needs no store."""
KEYS = [route for route in ROUTES if route.role is not None]
CHANGING = [route for route in KEYS if route.changes]
FOR_SOME = [route for route in CHANGING if route.name not in OWN]
BY_TOKEN = [route for route in KEYS if route.name != OF_ACCOUNTS]
RANKS = (Role.READER, Role.OPERATOR, Role.ADMIN)
CONTRACT = """
GET /terminals; GET PATCH DELETE /terminals/{sn}; POST GET /terminals/{sn}/commands;
GET DELETE /commands/{id}; GET /punches; GET /stream; GET DELETE /quarantine; GET /audit;
POST GET /backfills; POST GET /tokens; DELETE /tokens/{id}; GET /openapi.json; GET /clock-report;
GET POST /webhooks; GET PATCH DELETE /webhooks/{id}; GET /webhooks/{id}/dead-letters;
POST /webhooks/{id}/redeliver; GET /completeness; DELETE /completeness/{sn}/gaps;
GET DELETE /session; PATCH /session/account; DELETE /sessions;
GET POST /accounts; GET PATCH DELETE /accounts/{account}; DELETE /accounts/{account}/sessions;
POST DELETE /terminals/{sn}/path;
GET /terminals/{sn}/frames; GET /handshakes;
GET /users; GET PUT DELETE /users/{enrollid}; PUT DELETE /users/{enrollid}/credentials/{backupnum};
POST /users/{enrollid}/adopt; GET /groups; GET PUT DELETE /groups/{name}; GET POST /groups/{name}/members;
GET /terminals/{sn}/capacity; GET /terminals/{sn}/differences;
GET POST /erasures; GET /erasures/{id}; GET /erasures/due;
POST /sync/apply; DELETE /sync/plans/{id}; POST /photos/check; PUT /users/{enrollid}/photo;
GET POST /enrolments; GET DELETE /enrolments/{id};
GET POST /terminals/{sn}/snapshots; GET DELETE /snapshots/{id}; GET /snapshots/{id}/file; POST /snapshots;
POST /terminals/{sn}/restore; POST /terminals/{sn}/replace; GET /terminals/{sn}/restorations;
GET /terminals/{sn}/restorations/{id};
GET POST /imports; GET DELETE /imports/{id}; GET /users/{enrollid}/data;
GET /users/{enrollid}/credentials/{backupnum}/record;
POST /sync/plan; GET /sync/plans; GET /sync/plans/{id}; GET /sync/plans/{id}/terminals/{sn}
"""


class TableTests(EveryRouteCase):
    """The table as it is."""

    def test_contract(self) -> None:
        """Everything that people were promised is there, and nothing else."""
        promised = set()
        for line in CONTRACT.split(";"):
            *methods, path = line.split()
            promised |= {(method, f"/api/v1{path}") for method in methods}
        self.assertEqual({(route.method, route.path) for route in KEYS}, promised)

    def test_open_pages(self) -> None:
        """Only these need no token."""
        self.assertEqual({route.path for route in ROUTES if route.role is None}, {*OPEN, SIGN_IN})

    def test_names(self) -> None:
        """Each operation has a name of its own, and a summary."""
        names = [route.name for route in ROUTES]
        self.assertEqual(len(set(names)), len(names))
        self.assertTrue(all(route.summary for route in ROUTES))

    def test_twice(self) -> None:
        """A method of a path can't be in the table twice."""
        with self.assertRaises(ValueError):
            Router([*ROUTES, ROUTES[0]])

    def test_changes_are_not_for_readers(self) -> None:
        """No route changes anything for a reader."""
        self.assertEqual([route.name for route in FOR_SOME if route.role is Role.READER], [])

    def test_scope_follows_the_path(self) -> None:
        """A terminal in the path is checked, and so is an order."""
        for route in KEYS:
            if "/terminals/{sn}" in route.path and not route.path.startswith(OF_PLANS):
                self.assertIs(route.scope, Scope.TERMINAL, route.name)
            if "/commands/{id}" in route.path:
                self.assertIs(route.scope, Scope.ORDER, route.name)
            if "/webhooks/{id}" in route.path:
                self.assertIs(route.scope, Scope.WEBHOOK, route.name)


class RoleTests(EveryRouteCase):
    """Who may ask what."""

    def test_without_a_token(self) -> None:
        """Without an accepted token no route of the API answers, and nothing is asked of any store."""
        for route in KEYS:
            for token in (None, "tfs_wrong"):
                answer = self.request(route, token)
                self.assert_problem(answer, 401)
                self.assertTrue(answer.headers["www-authenticate"].startswith("Bearer"))
        faces = [self.terminals, self.punches, self.commander, self.audit, self.events, self.webhooks]
        faces += [self.accounts, self.sessions]
        faces += self.people.all
        self.assertEqual([face.calls for face in faces], [[]] * len(faces))

    def test_roles(self) -> None:
        """Each route answers tokens of its role and above, and refuses those below with 403."""
        for route in BY_TOKEN:
            assert route.role is not None
            for token, known in TOKENS.items():
                answer = self.request(route, token)
                is_granted = known.templates or not route.templates
                if is_granted and RANKS.index(known.role) >= RANKS.index(route.role):
                    self.assertLess(answer.status, 300, (route.name, known.role, answer.raw))
                else:
                    self.assert_problem(answer, 403)

    def test_open_pages_answer(self) -> None:
        """Pages without a role answer without a token."""
        for path in OPEN:
            self.assertEqual(self.get(path, token=None).status, 200)

    def test_refused_before_the_input_is_looked_at(self) -> None:
        """Whoever may not ask learns nothing about what would have been wrong."""
        for route in CHANGING:
            if route.role is Role.OPERATOR:
                path = filled(route.path, sn="NOSUCH", id="nosuch")
                self.assert_problem(self.ask(route.method, f"{path}?x=1", b"no JSON", READER), 403)


class ScopeTests(EveryRouteCase):
    """Tokens that are bound to sites."""

    def assert_nothing_changed(self) -> None:
        """Nothing was done to terminals, orders or tokens."""
        self.assertEqual(self.commander.asked("order") + self.commander.asked("cancel"), [])
        self.assertEqual(self.commander.asked("backfill") + self.terminals.asked("change"), [])
        self.assertEqual(self.commander.asked("forget") + self.tokens.asked("issue"), [])
        self.assertEqual(self.webhooks.asked("change") + self.webhooks.asked("delete"), [])
        self.assertEqual(self.webhooks.asked("dead_letters") + self.webhooks.asked("redeliver"), [])
        self.assertEqual(self.tokens.asked("revoke") + self.punches.asked("clear_quarantine"), [])

    def test_own_site(self) -> None:
        """At its own sites a token reaches everything that is not for unbound tokens."""
        for route in BY_TOKEN:
            answer = self.request(route, BOUND)
            if route.scope is Scope.ALL_SITES:
                self.assert_problem(answer, 403)
            else:
                self.assertLess(answer.status, 300, (route.name, answer.raw))

    def test_other_sites(self) -> None:
        """What is elsewhere, or nowhere, is not found, and stands in no list."""
        for site in ("south", ""):
            self.fill(site)
            for route in BY_TOKEN:
                answer = self.request(route, BOUND)
                if route.scope is Scope.ALL_SITES:
                    self.assert_problem(answer, 403)
                elif route.scope in (Scope.TERMINAL, Scope.ORDER, Scope.BODY, Scope.WEBHOOK):
                    self.assert_problem(answer, 404)
                elif route.scope is Scope.SITES:
                    # the sample names a site of the token's own
                    self.assertEqual(answer.status, 201, answer.raw)
                elif route.name not in OWN:
                    self.assertEqual(answer.status, 404 if "{id}" in route.path else 200)
                    if route.scope is Scope.ROWS:
                        self.assertNotIn(b"ZXDM", answer.raw, route.name)
        self.assert_nothing_changed()

    def test_rows_are_there(self) -> None:
        """The lists that a bound token finds empty are not empty for others, and not at its own sites."""
        for token in (ADMIN, BOUND):
            for route in KEYS:
                if route.scope is Scope.ROWS:
                    self.assertIn(b"ZXDM", self.request(route, token).raw, route.name)

    def test_same_words_as_for_what_is_not_there(self) -> None:
        """A terminal elsewhere can't be told from one that is nowhere."""
        elsewhere = self.get(f"/api/v1/terminals/{self.feed.rows[0]['sn']}", ADMIN).body["sn"]
        self.fill("south")
        hidden = self.get(f"/api/v1/terminals/{elsewhere}", BOUND)
        missing = self.get("/api/v1/terminals/NOSUCH", ADMIN)
        self.assertEqual(
            hidden.body["detail"].replace(elsewhere, "X"), missing.body["detail"].replace("NOSUCH", "X")
        )
        order, no_order = self.get("/api/v1/commands/0af3", BOUND), self.get("/api/v1/commands/x", ADMIN)
        self.assertEqual(order.body["detail"].replace("0af3", "x"), no_order.body["detail"])


class EveryRouteTests(EveryRouteCase):
    """What every route does alike."""

    def test_unknown_parameter(self) -> None:
        """A parameter nobody knows is refused everywhere, so that a typing error never widens a search."""
        for route in KEYS:
            path = filled(route.path)
            answer = self.ask(route.method, f"{path}?nosuch=1&until=1-0", b"{}", ADMIN)
            self.assertEqual(answer.status, 422, route.name)
            self.assertIn("nosuch", [error["field"] for error in answer.body["errors"]], route.name)

    def test_head(self) -> None:
        """HEAD answers where GET does, with the same head and without a body."""
        for route in ROUTES:
            if route.method == "GET":
                path = filled(route.path)
                answer = self.ask("HEAD", path, b"", ADMIN)
                self.assertEqual((answer.status, answer.body), (200, ""), route.name)
                if route.name != STREAM:
                    whole = self.get(path, ADMIN)
                    self.assertEqual(answer.headers["content-type"], whole.headers["content-type"])

    def test_other_methods(self) -> None:
        """Any other method is 405 and named are those there are; OPTIONS names them too."""
        for route in ROUTES:
            path = filled(route.path)
            known = {r.method for r in ROUTES if r.path == route.path}
            for method in {"GET", "POST", "PUT", "PATCH", "DELETE", "BREW"} - known:
                answer = self.ask(method, path, b"", ADMIN)
                self.assert_problem(answer, 405)
                self.assertLessEqual(known, set(answer.headers["allow"].split(", ")))
            answer = self.ask("OPTIONS", path, b"", None)
            self.assertEqual(answer.status, 204)
            self.assertLessEqual(known, set(answer.headers["allow"].split(", ")))

    def test_store_away(self) -> None:
        """A store that does not answer is 503 on every route that needs it, and says when to come again."""
        away = StoreUnavailable("no connection")
        faces = [self.terminals, self.punches, self.commander, self.audit, self.events, self.webhooks]
        faces += [self.accounts, self.sessions]
        faces += self.people.all
        for face in faces:
            for name in [*face.given, "backfill"]:
                face.given[name] = away
        self.tokens.given.update(all=away, issue=away, revoke=away)
        for route in KEYS:
            if route.scope is not Scope.EVERYTHING and route.name != REMEMBERED:
                answer = self.request(route, ADMIN)
                self.assert_problem(answer, 503)
                self.assertTrue(answer.headers["retry-after"].isdigit())

    def test_deadline(self) -> None:
        """A store that never answers keeps nobody waiting for ever."""
        for route in KEYS:
            self.tokens.given["find"] = Deferred()
            path = filled(route.path)
            asked = self.begin(route.method, path, b"{}", ADMIN)
            self.clock.advance(9.9)
            self.assertEqual(asked.data, b"", route.name)
            self.clock.advance(0.2)
            self.assert_problem(asked.answer(), 503)

    def test_not_cached(self) -> None:
        """Nobody on the way keeps answers, or takes them for something else than they say."""
        for route in KEYS:
            if route.name not in (STREAM, "get_openapi"):
                answer = self.request(route, ADMIN)
                self.assertEqual(answer.headers["cache-control"], "no-store", route.name)
                self.assertEqual(answer.headers["x-content-type-options"], "nosniff")


class AuditTests(EveryRouteCase):
    """What the audit is told of every change."""

    def test_changes(self) -> None:
        """Every change is noted once, with who did it; what only looks is not."""
        for route in BY_TOKEN:
            self.audit.calls.clear()
            self.commander.calls.clear()
            self.people.erasures.calls.clear()
            self.assertLess(self.request(route, ADMIN).status, 300)
            noted = [actor for actor, *_ in self.noted()] + self.with_the_order()
            self.assertEqual(noted, ["token a (Ana)"] * route.is_noted, route.name)

    def with_the_order(self) -> list[str]:
        """Whose orders, and erasures, the store notes in the step that keeps them."""
        erased = [actor for _, _, actor, _ in self.people.erasures.asked("order")]
        return erased + [wanted.actor for (wanted,) in self.commander.asked("order") if wanted.noted]

    def test_refusals(self) -> None:
        """Every change that somebody may not do is noted as refused."""
        for route in FOR_SOME:
            self.audit.calls.clear()
            self.assert_problem(self.request(route, READER), 403)
            [(actor, what, _, outcome)] = self.noted()
            self.assertEqual((actor, what), ("token r", route.name))
            self.assertTrue(outcome.startswith("refused: "), outcome)

    def test_not_written(self) -> None:
        """When the audit can't be written the change has happened all the same, and the log says so."""
        logged: list[LogEvent] = []
        globalLogPublisher.addObserver(logged.append)
        self.addCleanup(globalLogPublisher.removeObserver, logged.append)
        self.audit.given["write"] = StoreUnavailable("away")
        for route in [route for route in BY_TOKEN if route.changes]:
            logged.clear()
            self.commander.calls.clear()
            self.people.erasures.calls.clear()
            self.assertLess(self.request(route, ADMIN).status, 300, route.name)
            told = [eventAsText(event) for event in logged if event["log_level"] is LogLevel.error]
            told += self.with_the_order()
            self.assertEqual(len(told), 1, route.name)
            self.assertIn("token a (Ana)", told[0])

    def test_no_secret(self) -> None:
        """No token stands in the audit."""
        for route in CHANGING:
            for token in (ADMIN, OPERATOR, READER):
                self.request(route, token)
        self.assertNotIn("-secret", str(self.audit.calls))
        self.assertNotIn("tfs_", str(self.audit.calls))
