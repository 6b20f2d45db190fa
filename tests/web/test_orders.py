"""``POST /terminals/{sn}/commands`` and what becomes of orders."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred

from tests.web.in_memory import ADMIN, OPERATOR, PagesCase, encoded
from tests.web.samples import ORDER_ID, SN, an_order
from tfserver import commander
from tfserver.errors import ScriptFailed, StoreUnavailable
from tfserver.order import OrderState
from tfserver.store.principals import Role
from tfserver.store.tokens import Token
from tfserver.web import desk

PATH = f"/api/v1/terminals/{SN}/commands"
OPEN = {"cmd": "opendoor", "doornum": 1}
DONE = an_order(OrderState.DONE, finished="2026-04-02T08:15:05.000Z")


class OrderingTests(PagesCase):
    """What is asked of the commander, and what it answers."""

    def wanted(self) -> Any:
        """What the commander was asked for last."""
        return self.commander.asked("order")[-1][0]

    def test_made(self) -> None:
        """An order that was made answers 202 with itself and the place where its end can be seen."""
        answer = self.post(PATH, OPEN)
        self.assertEqual(answer.status, 202, answer.raw)
        self.assertEqual(answer.headers["location"], f"/api/v1/commands/{ORDER_ID}")
        self.assertEqual((answer.body["id"], answer.body["state"]), (ORDER_ID, "queued"))
        self.assertEqual(self.commander.asked("ended"), [])

    def test_what_is_asked(self) -> None:
        """The commander is told the word, the fields as they came, who asks, and what limits the order."""
        self.post(PATH, {**OPEN, "ttl": 7, "confirm": SN})
        wanted = self.wanted()
        self.assertEqual((wanted.sn, wanted.cmd, wanted.fields), (SN, "opendoor", {"doornum": 1}))
        self.assertEqual((wanted.ttl, wanted.confirm, wanted.actor), (7, SN, "token o"))
        self.assertEqual((wanted.is_admin, wanted.key), (False, ""))
        self.post(PATH, OPEN, ADMIN)
        self.assertEqual((self.wanted().is_admin, self.wanted().actor), (True, "token a (Ana)"))
        self.assertEqual((self.wanted().ttl, self.wanted().confirm), (None, ""))

    def test_wrong_bodies(self) -> None:
        """What is no order is refused before anybody is asked, each field by its name."""
        for body, *fields in (
            ({}, "cmd"),
            ({"cmd": 1}, "cmd"),
            ({"cmd": None, "ttl": "5"}, "cmd", "ttl"),
            ({**OPEN, "ttl": 1.5}, "ttl"),
            ({**OPEN, "ttl": True}, "ttl"),
            ({**OPEN, "ttl": None}, "ttl"),
            ({**OPEN, "ttl": 10**30}, "ttl"),
            ({**OPEN, "confirm": 5}, "confirm"),
            ({**OPEN, "confirm": "x" * 201}, "confirm"),
            ([], "body"),
            ("opendoor", "body"),
        ):
            self.assert_problem(self.post(PATH, body), 422, *fields)
        for text in (b"", b"{", b"\xff", b'{"cmd":"opendoor"', b'{"cmd":"\\ud800"}', b"[" * 60_000):
            self.assert_problem(self.post(PATH, text), 400)
        self.assertEqual(self.commander.calls, [])

    def test_refusals(self) -> None:
        """Each way in which the commander refuses has its status, its words and its fields."""
        problems = [("doornum", "expected 1 to 4"), ("ttl", "expected 1 to 30")]
        for failure, status, *fields in (
            (commander.BadOrder("wrong", problems), 422, "doornum", "ttl"),
            (commander.KeyReused("another body"), 422),
            (commander.UnknownTerminal("nobody"), 404),
            (commander.NotAllowed("only an administrator"), 403),
            (commander.NotNow("it is not online"), 409),
            (commander.QueueFull("too many"), 429),
            (StoreUnavailable("away"), 503),
        ):
            self.commander.given["order"] = failure
            answer = self.post(PATH, OPEN)
            self.assert_problem(answer, status, *fields)
            self.assertIn(str(failure), answer.body["detail"])

    def test_not_sure(self) -> None:
        """When the store did not answer it is told how to ask again safely; not so for a door."""
        self.commander.given["order"] = StoreUnavailable("no answer within 2.0 s")
        for body, headers, told in (
            ({"cmd": "gettime"}, {"Idempotency_Key": "k1"}, "the same Idempotency-Key is safe"),
            ({"cmd": "gettime"}, {}, "with an Idempotency-Key it would be safe"),
        ):
            answer = self.post(PATH, body, **headers)
            self.assert_problem(answer, 503)
            self.assertIn("the store: no answer within 2.0 s; whether", answer.body["detail"])
            self.assertIn(told, answer.body["detail"])
            self.assertIn("retry-after", answer.headers)
        for body in (OPEN, {"cmd": "dance"}):
            answer = self.post(PATH, body, Idempotency_Key="k1")
            self.assertEqual(answer.body["detail"], "the store: no answer within 2.0 s")

    def test_paths(self) -> None:
        """What can't be a serial number is not found."""
        for name in ("%20", "a%2Fb", "x" * 33, "%E4%B8%AD", "%00"):
            self.assert_problem(self.post(f"/api/v1/terminals/{name}/commands", OPEN), 404)
        self.assertEqual(self.commander.calls, [])


class WaitTests(PagesCase):
    """``?wait=S``."""

    def waiting(self, seconds: int = 5) -> Any:
        """A request that waits for the end of an order which does not come."""
        self.end: Deferred[Any] = Deferred()
        self.commander.given["ended"] = self.end
        return self.begin("POST", f"{PATH}?wait={seconds}", encoded(OPEN), OPERATOR)

    def test_ended_in_time(self) -> None:
        """An order that ends within the wait answers 200 with its end, as soon as it ends."""
        asked = self.waiting()
        self.assertEqual(asked.data, b"")
        self.end.callback(DONE)
        answer = asked.answer()
        self.assertEqual((answer.status, answer.body["state"]), (200, "done"))
        self.assertEqual(self.commander.asked("ended"), [(ORDER_ID, 5)])

    def test_not_ended(self) -> None:
        """One that does not end answers 202 as it is then."""
        self.commander.given["ended"] = an_order(OrderState.SENT)
        answer = self.post(f"{PATH}?wait=5", OPEN)
        self.assertEqual((answer.status, answer.body["state"]), (202, "sent"))
        self.assertIn("location", answer.headers)

    def test_ended_before(self) -> None:
        """A repeat of an order that has ended needs no wait; without one it is 202 all the same."""
        self.commander.given["order"] = DONE
        self.assertEqual(self.post(f"{PATH}?wait=5", OPEN).status, 200)
        self.assertEqual(self.post(PATH, OPEN).status, 202)
        self.assertEqual(self.commander.asked("ended"), [])

    def test_bounds(self) -> None:
        """A wait has 0 to 60 seconds."""
        for wrong in ("61", "-1", "x", "1.5"):
            self.assert_problem(self.post(f"{PATH}?wait={wrong}", OPEN), 422, "wait")
        self.assertEqual(self.post(f"{PATH}?wait=0", OPEN).status, 202)
        self.assertEqual(len(self.commander.asked("order")), 1)

    def test_deadline(self) -> None:
        """A wait may take as long as was asked for, and a little more; then the order is told as it was."""
        asked = self.waiting(60)
        self.clock.advance(64.9)
        self.assertEqual(asked.data, b"")
        self.clock.advance(0.2)
        self.assertEqual(asked.answer().status, 202)

    def test_deadline_of_the_order(self) -> None:
        """An order that nobody knows the fate of is 503, and the audit says that."""
        self.commander.given["order"] = Deferred()
        asked = self.begin("POST", PATH, encoded(OPEN), OPERATOR)
        self.clock.advance(10.1)
        self.assert_problem(asked.answer(), 503)
        self.assertTrue(self.noted()[0][3].startswith("unknown: "))

    def test_store_away_while_waiting(self) -> None:
        """An order that was made is told so, also when its end can't be seen."""
        asked = self.waiting()
        self.end.errback(StoreUnavailable("away"))
        answer = asked.answer()
        self.assertEqual((answer.status, answer.body["state"]), (202, "queued"))

    def test_too_many(self) -> None:
        """Only so many may wait: one more is told so, and nothing is ordered. Later there is room again."""
        self.patch_room(2)
        first, second = self.waiting(), self.waiting()
        answer = self.post(f"{PATH}?wait=5", OPEN)
        self.assert_problem(answer, 429)
        self.assertIn("wait", answer.body["detail"])
        self.assertTrue(answer.headers["retry-after"].isdigit())
        self.assertEqual(len(self.commander.asked("order")), 2)
        self.assertEqual(self.post(PATH, OPEN).status, 202)
        self.end.callback(DONE)
        self.assertEqual(second.answer().status, 200)
        self.commander.given["ended"] = DONE
        self.assertEqual(self.post(f"{PATH}?wait=5", OPEN).status, 200)
        self.assertEqual(first.data, b"")

    def test_room_after_a_refusal(self) -> None:
        """An order that is refused leaves no place taken."""
        self.patch_room(1)
        self.commander.given["order"] = commander.NotNow("offline")
        for _ in range(3):
            self.assert_problem(self.post(f"{PATH}?wait=5", OPEN), 409)

    def test_who_asked_has_gone(self) -> None:
        """When who asked hangs up nobody waits any more, and the order stands."""
        self.patch_room(1)
        gone = self.waiting(60)
        gone.leave()
        self.assertEqual(gone.data, b"")
        self.commander.given["ended"] = DONE
        self.assertEqual(self.post(f"{PATH}?wait=5", OPEN).status, 200)
        self.assertEqual(self.noted(), [])

    def test_gone_before_it_is_made(self) -> None:
        """A request that was sent whole is carried out, also when who sent it hangs up at once."""
        making: Deferred[Any] = Deferred()
        self.commander.given["order"] = making
        asked = self.begin("POST", f"{PATH}?wait=5", encoded(OPEN), OPERATOR)
        asked.leave()
        making.callback(an_order())
        [(wanted,)] = self.commander.asked("order")
        self.assertEqual((wanted.noted, self.noted()), (True, []))

    def patch_room(self, most: int) -> None:
        """Let so many wait at once."""
        self.pages.desk.waits = desk.Room(most, self.pages.desk.waits.status, "too many wait")


class IdempotencyTests(PagesCase):
    """``Idempotency-Key``."""

    def key(self, given: str, token: str = OPERATOR) -> str:
        """What the commander gets of a key."""
        self.assertEqual(self.post(PATH, OPEN, token, Idempotency_Key=given).status, 202)
        found: str = self.commander.asked("order")[-1][0].key
        return found

    def test_scoped(self) -> None:
        """The same key of two tokens are two keys."""
        self.assertEqual(self.key("k-1"), "o:k-1")
        self.assertEqual(self.key("k-1", ADMIN), "a:k-1")
        self.assertEqual(self.key("!" + "x" * 253 + "~"), "o:!" + "x" * 253 + "~")

    def test_wrong(self) -> None:
        """A key has 1 to 255 visible ASCII characters."""
        for wrong in ("", "x" * 256, "a b", "é", "a\tb"):
            self.assert_problem(self.post(PATH, OPEN, Idempotency_Key=wrong), 422, "Idempotency-Key")
        self.assertEqual(self.commander.calls, [])


class SeenTests(PagesCase):
    """Orders as they are listed, shown and taken back."""

    def test_one(self) -> None:
        """An order is found by its id."""
        self.commander.given["get"] = lambda order_id: DONE if order_id == ORDER_ID else None
        answer = self.get(f"/api/v1/commands/{ORDER_ID}")
        self.assertEqual((answer.status, answer.body["state"]), (200, "done"))
        for wrong in ("nosuch", "a%20b", "x" * 65):
            self.assert_problem(self.get(f"/api/v1/commands/{wrong}"), 404)

    def test_fields(self) -> None:
        """An order has all the fields of the contract (design §2.2)."""
        self.commander.given["get"] = DONE
        wanted = "id sn cmd args state reply error actor created sent finished expires attempts"
        self.assertEqual(set(self.get(f"/api/v1/commands/{ORDER_ID}").body), set(wanted.split()))

    def test_listed(self) -> None:
        """The orders of a terminal come with the cursor of the next page."""
        self.commander.given["listing"] = ([DONE], "17")
        answer = self.get(f"{PATH}?limit=1&cursor=99").body
        self.assertEqual(([order["id"] for order in answer["commands"]], answer["next"]), ([ORDER_ID], "17"))
        self.assertEqual(self.commander.asked("listing"), [(SN, 1, "99")])

    def test_listed_of_nobody(self) -> None:
        """A terminal that never came has no list."""
        self.assert_problem(self.get(PATH), 404)

    def test_cursor(self) -> None:
        """A cursor that the store can't read is the asker's mistake; without one it would be ours."""
        self.commander.given["listing"] = ScriptFailed("min or max is not a float")
        self.assert_problem(self.get(f"{PATH}?cursor=x"), 422, "cursor")
        self.assert_problem(self.get(f"{PATH}?cursor=%20"), 422, "cursor")
        self.assert_problem(self.get(PATH), 503)

    def test_cancelled(self) -> None:
        """A queued order is taken back; one that is not queued any more, or not there, is not."""
        self.commander.given["cancel"] = an_order(OrderState.CANCELLED)
        answer = self.delete(f"/api/v1/commands/{ORDER_ID}", OPERATOR)
        self.assertEqual((answer.status, answer.body["state"]), (200, "cancelled"))
        self.assertEqual(self.commander.asked("cancel"), [(ORDER_ID, "token o")])
        for failure, status in ((commander.NotNow("sent"), 409), (commander.UnknownOrder("?"), 404)):
            self.commander.given["cancel"] = failure
            self.assert_problem(self.delete(f"/api/v1/commands/{ORDER_ID}"), status)


class AuditTests(PagesCase):
    """What the audit is told of orders."""

    def test_made(self) -> None:
        """An order that was made was noted with it, and is not a second time, however it is waited for."""
        for path in (PATH, f"{PATH}?wait=5"):
            self.post(path, OPEN)
        self.assertEqual([wanted.noted for (wanted,) in self.commander.asked("order")], [True, True])
        self.assertEqual(self.noted(), [])

    def test_refused(self) -> None:
        """A refusal is noted with its words and the names of fields, and with no value of them."""
        self.commander.given["order"] = commander.BadOrder("wrong", [("pasword", "unknown field")])
        self.post(PATH, {"cmd": "setuserinfo", "pasword": "hidden-74915"})
        self.post(PATH, {"cmd": "hidden-74915", "record": "hidden-74915"})
        self.post(PATH, {"cmd": 74915, "record": "hidden-74915"})
        self.assertEqual([what for _, what, *_ in self.noted()], ["setuserinfo", "order", "order"])
        self.assertEqual(self.audit.asked("write")[0][4], {"fields": ["pasword"]})
        self.assertNotIn("74915", str(self.audit.calls))

    def test_not_known(self) -> None:
        """When the store did not say whether the order was made the audit says that."""
        self.commander.given["order"] = StoreUnavailable("no answer")
        self.post(PATH, OPEN)
        self.assertTrue(self.noted()[0][3].startswith("unknown: "))

    def test_refused_all_the_time(self) -> None:
        """Who is refused without end fills a part of the audit only, and no other is kept out of it."""
        self.commander.given["order"] = commander.NotNow("offline")
        for _ in range(200):
            self.post(PATH, OPEN)
        self.post(PATH, OPEN, ADMIN)
        self.assertEqual(
            len([actor for actor, *_ in self.noted() if actor == "token o"]), desk.REFUSALS_A_MINUTE
        )
        self.assertEqual(self.noted()[-1][0], "token a (Ana)")
        self.clock.advance(60)
        self.post(PATH, OPEN)
        self.assertEqual(self.noted()[-1][0], "token o")

    def test_large_detail(self) -> None:
        """A detail is bounded."""
        self.commander.given["cancel"] = an_order(OrderState.CANCELLED, cmd="x" * 5000)
        self.delete(f"/api/v1/commands/{ORDER_ID}", OPERATOR)
        self.assertEqual(set(self.audit.asked("write")[0][4]), {"bytes"})

    def test_names_of_tokens(self) -> None:
        """Who did it is told by the token's id and its name."""
        self.accepted[OPERATOR] = Token("1a2b3c4d", Role.OPERATOR, 1, "front desk")
        self.post(PATH, OPEN)
        self.delete(f"/api/v1/commands/{ORDER_ID}", OPERATOR)
        [(wanted,)] = self.commander.asked("order")
        self.assertEqual({wanted.actor, self.noted()[0][0]}, {"token 1a2b3c4d (front desk)"})
