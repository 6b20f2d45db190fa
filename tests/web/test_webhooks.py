"""``/webhooks``: made, listed, changed, removed; dead letters."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred

from tests.web.in_memory import ADMIN, BOUND, OPERATOR, READER, PagesCase
from tests.web.samples import a_dead_letter, a_webhook
from tfserver.delivery.addresses import AddressRefused
from tfserver.delivery.names import HostUnknown
from tfserver.delivery.signing import secret_bytes
from tfserver.store.webhooks import Health, MadeBefore, NoSuchWebhook, State, TooManyWebhooks
from tfserver.web.api.webhooks import LOOKUP_SECONDS

PATH = "/api/v1/webhooks"
ONE = f"{PATH}/0af3"
WANTED = {"url": "https://hr.example/in"}
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


class AddTests(PagesCase):
    """Making webhooks."""

    def add(self, token: str = ADMIN, **more: Any) -> Any:
        """A request for a webhook."""
        return self.post(PATH, {**WANTED, **more}, token)

    def test_made(self) -> None:
        """A webhook comes with a secret that the server made, shown this once, and kept as shown."""
        answer = self.add(kinds=["punch", "punch"], sites=["north", "east", "north"], batch=100, after="5-0")
        self.assertEqual(answer.status, 201, answer.raw)
        [(new, _)] = self.webhooks.asked("add")
        self.assertEqual(
            (new.url, new.kinds, new.sites), ("https://hr.example/in", ("punch",), ("north", "east"))
        )
        self.assertEqual((new.batch, new.after, new.actor), (100, "5-0", "token a (Ana)"))
        self.assertEqual(answer.body["secret"], new.secret)
        self.assertEqual(len(secret_bytes(new.secret)), 32)
        self.assertEqual(answer.body["id"], "0af3")
        self.assertNotEqual(self.add().body["secret"], new.secret)

    def test_own_secret(self) -> None:
        """A secret of one's own is kept and not repeated."""
        answer = self.add(secret=SECRET)
        self.assertEqual(self.webhooks.asked("add")[0][0].secret, SECRET)
        self.assertIsNone(answer.body["secret"])
        self.assertNotIn(SECRET.encode(), answer.raw)

    def test_usual(self) -> None:
        """Without more words it is for everything, one message a request, from now on."""
        self.add()
        [(new, _)] = self.webhooks.asked("add")
        self.assertEqual((new.kinds, new.sites, new.batch, new.after), ((), (), 1, None))

    def test_wrong(self) -> None:
        """Wrong input names its field, and nothing is made."""
        for change, field in (
            ({"url": "hr.example"}, "url"),
            ({"url": "ftp://hr.example/"}, "url"),
            ({"url": "http://hr.example/"}, "url"),
            ({"url": "https://user:word@hr.example/"}, "url"),
            ({"url": "https://hr.example:0/"}, "url"),
            ({"url": "https://hr.example/#x"}, "url"),
            ({"url": "https://hr.example/" + "x" * 3000}, "url"),
            ({"url": None}, "url"),
            ({"kinds": ["punches"]}, "kinds[0]"),
            ({"kinds": "punch"}, "kinds"),
            ({"sites": [""]}, "sites[0]"),
            ({"batch": 0}, "batch"),
            ({"batch": 1001}, "batch"),
            ({"batch": True}, "batch"),
            ({"secret": "secret"}, "secret"),
            ({"secret": SECRET + "\n"}, "secret"),
            ({"secret": ""}, "secret"),
            ({"after": "soon"}, "after"),
            ({"after": "5"}, "after"),
            ({"state": "paused"}, "state"),
        ):
            answer = self.add(**change)
            self.assert_problem(answer, 422, field)
            self.assertNotIn(b"word@", answer.raw)
        self.assertEqual(self.webhooks.asked("add"), [])

    def test_inside(self) -> None:
        """A host that leads inside is refused in words, before anything is made."""
        self.names.given["addresses"] = AddressRefused(
            "10.0.0.1 is a private address; webhooks.allow_private …"
        )
        answer = self.add(url="https://hr.example:8443/in")
        self.assert_problem(answer, 422, "url")
        self.assertIn("10.0.0.1 is a private address", answer.body["detail"])
        self.assertEqual(self.names.asked("addresses"), [("hr.example", 8443)])
        self.assertEqual(self.webhooks.asked("add"), [])

    def test_allowed_inside(self) -> None:
        """Plain http is taken where private addresses are allowed."""
        self.names.__dict__["allow_private"] = True
        self.assertEqual(self.add(url="http://hr.local:8080/in").status, 201)

    def test_not_there_yet(self) -> None:
        """A receiver that is not found may come later; nobody waits long for a name server."""
        self.names.given["addresses"] = HostUnknown("the host hr.example is not found")
        self.assertEqual(self.add().status, 201)
        self.names.given["addresses"] = lambda *args: Deferred()
        connection = self.begin("POST", PATH, b'{"url":"https://hr.example/in"}', ADMIN)
        self.assertEqual(connection.data, b"")
        self.clock.advance(LOOKUP_SECONDS)
        self.assertEqual(connection.answer().status, 201)

    def test_too_many(self) -> None:
        """There is a bound, which is a conflict."""
        self.webhooks.given["add"] = TooManyWebhooks("there are 100 webhooks already")
        self.assert_problem(self.add(), 409)

    def test_idempotency(self) -> None:
        """The key is the token's own; a repeat is 409, because a secret is shown only once."""
        self.post(PATH, WANTED, ADMIN, Idempotency_Key="k1")
        self.assertEqual(self.webhooks.asked("add")[0][1], "a:k1")
        self.webhooks.given["add"] = MadeBefore("a webhook was made under this Idempotency-Key")
        self.assert_problem(self.post(PATH, WANTED, ADMIN, Idempotency_Key="k1"), 409)

    def test_bound(self) -> None:
        """A token of some sites makes webhooks only for these."""
        for sites in ([], ["south"], ["north", "south"]):
            self.assert_problem(self.add(BOUND, sites=sites), 403, "sites")
        self.assertEqual(self.webhooks.asked("add"), [])
        self.assertEqual(self.add(BOUND, sites=["north"]).status, 201)

    def test_audit(self) -> None:
        """The audit has what was made, and neither the secret nor the path."""
        shown = self.add(url="https://hr.example/in?key=private", sites=["north"]).body["secret"]
        [(_, what, _, outcome, detail)] = self.audit.asked("write")
        self.assertEqual((what, outcome), ("create_webhook", "done"))
        self.assertEqual(detail, {"webhook": "0af3", "host": "hr.example", "kinds": [], "sites": ["north"]})
        self.assertNotIn(shown, str(self.audit.calls))


class LookTests(PagesCase):
    """Webhooks as they are shown."""

    def test_where_to(self) -> None:
        """Only administrators see more of the URL than whom it leads to: there may be a token in it."""
        for url, shown in (
            ("https://hr.example:8443/in/word?key=word", "https://hr.example:8443/…"),
            ("https://hr.example?word", "https://hr.example/…"),
            ("https://word@hr.example/", "https://hr.example"),
            ("https://hr.example/", "https://hr.example"),
        ):
            self.webhooks.given.update(all=[a_webhook(url=url)], get=a_webhook(url=url))
            for token, expected in ((OPERATOR, shown), (ADMIN, url)):
                self.assertEqual(self.get(PATH, token).body["webhooks"][0]["url"], expected)
                self.assertEqual(self.get(ONE, token).body["url"], expected)

    def test_listed(self) -> None:
        """All of them come with how they fare, to operators too, and no secret."""
        health = Health(
            cursor="5-0", behind_seconds=7200.0, failing_since="2026-04-02T06:00:00.000Z", attempts=9,
            last_error="the connection was refused", dead=3,
        )  # fmt: skip
        self.webhooks.given["all"] = [a_webhook(health=health), a_webhook("north")]
        answer = self.get(PATH, OPERATOR)
        first, second = answer.body["webhooks"]
        self.assertEqual(
            (first["state"], first["health"]["attempts"], first["health"]["dead"]), ("active", 9, 3)
        )
        self.assertEqual(first["health"]["last_error"], "the connection was refused")
        self.assertEqual(second["sites"], ["north"])
        self.assertNotIn(b'secret"', answer.raw.replace(b"old_secret_until", b""))
        self.assert_problem(self.get(PATH, READER), 403)

    def test_one(self) -> None:
        """One of them, or 404."""
        self.webhooks.given["get"] = lambda webhook_id: a_webhook() if webhook_id == "0af3" else None
        self.assertEqual(self.get(ONE, OPERATOR).body["id"], "0af3")
        self.assert_problem(self.get(f"{PATH}/other", OPERATOR), 404)

    def test_bound(self) -> None:
        """A token of some sites sees those that are for its sites alone."""
        hooks = {"all": a_webhook(id="all"), "south": a_webhook("south", id="south")}
        hooks |= {"both": a_webhook("north", "south", id="both"), "own": a_webhook("north", "east", id="own")}
        self.webhooks.given.update(all=[*hooks.values()], get=hooks.get)
        self.assertEqual([one["id"] for one in self.get(PATH, BOUND).body["webhooks"]], ["own"])
        for name in ("all", "south", "both"):
            hidden, missing = self.get(f"{PATH}/{name}", BOUND), self.get(f"{PATH}/none", BOUND)
            self.assert_problem(hidden, 404)
            self.assertEqual(hidden.body["detail"].replace(name, "none"), missing.body["detail"])
        self.assertEqual(self.get(f"{PATH}/own", BOUND).status, 200)


class ChangeTests(PagesCase):
    """Webhooks that become different."""

    def setUp(self) -> None:
        """One webhook."""
        super().setUp()
        self.webhooks.given["get"] = a_webhook("north")

    def change(self, token: str = ADMIN, **fields: Any) -> Any:
        """A change."""
        return self.patch(ONE, fields, token)

    def changed(self) -> Any:
        """What the store was asked for last."""
        webhook_id, change = self.webhooks.asked("change")[-1]
        self.assertEqual(webhook_id, "0af3")
        return {name: getattr(change, name) for name in change.__struct_fields__}

    def test_only_what_was_named(self) -> None:
        """What is left out stays."""
        from msgspec import UNSET

        plain = dict.fromkeys(("url", "secret", "kinds", "sites", "batch", "state"), UNSET)
        for given, kept in (
            ({}, {}),
            ({"state": "paused"}, {"state": State.PAUSED}),
            ({"state": "active"}, {"state": State.ACTIVE}),
            ({"kinds": ["door", "door"]}, {"kinds": ("door",)}),
            ({"sites": []}, {"sites": ()}),
            ({"batch": 5, "url": "https://new.example/"}, {"batch": 5, "url": "https://new.example/"}),
            ({"secret": SECRET}, {"secret": SECRET}),
        ):
            answer = self.change(**given)
            self.assertEqual((answer.status, answer.body["secret"]), (200, None), answer.raw)
            self.assertEqual(self.changed(), {**plain, **kept})

    def test_new_secret(self) -> None:
        """The server makes another secret when it is asked to, and shows it this once."""
        shown = self.change(secret=None).body["secret"]
        self.assertEqual(self.changed()["secret"], shown)
        self.assertEqual(len(secret_bytes(shown)), 32)
        self.assertNotIn(shown, str(self.audit.calls))

    def test_wrong(self) -> None:
        """Wrong input names its field, and nothing is changed."""
        for fields, field in (
            ({"url": "http://hr.example/"}, "url"),
            ({"url": None}, "url"),
            ({"kinds": ["x"]}, "kinds[0]"),
            ({"batch": 0}, "batch"),
            ({"secret": "x"}, "secret"),
            ({"state": "stopped"}, "state"),
            ({"after": "1-0"}, "after"),
            ({"id": "x"}, "id"),
        ):
            self.assert_problem(self.change(**fields), 422, field)
        self.names.given["addresses"] = AddressRefused("10.0.0.1 is a private address")
        self.assert_problem(self.change(url="https://hr.example/"), 422, "url")
        self.assertEqual(self.webhooks.asked("change"), [])

    def test_not_there(self) -> None:
        """One that is not there is 404, also when it went in the meantime."""
        self.webhooks.given["change"] = NoSuchWebhook("no webhook has the id '0af3'")
        self.assert_problem(self.change(batch=2), 404)
        self.webhooks.given["delete"] = NoSuchWebhook("no webhook has the id '0af3'")
        self.assert_problem(self.delete(ONE), 404)

    def test_bound(self) -> None:
        """A token of some sites changes only what is for these, and to nothing else."""
        self.assertEqual(self.change(BOUND, batch=2).status, 200)
        self.assertEqual(self.change(BOUND, sites=["east"]).status, 200)
        for sites in ([], ["south"]):
            self.assert_problem(self.change(BOUND, sites=sites), 403, "sites")
        self.assertEqual(len(self.webhooks.asked("change")), 2)
        self.webhooks.given["get"] = a_webhook()
        self.assert_problem(self.change(BOUND, batch=2), 404)
        self.assert_problem(self.delete(ONE, BOUND), 404)
        self.assert_problem(self.post(f"{ONE}/redeliver", {}, BOUND), 404)
        self.assert_problem(self.get(f"{ONE}/dead-letters", BOUND), 404)
        self.assertEqual(self.webhooks.asked("delete") + self.webhooks.asked("redeliver"), [])

    def test_removed(self) -> None:
        """A webhook is removed by its id."""
        self.assertEqual(self.delete(ONE).status, 204)
        self.assertEqual(self.webhooks.asked("delete"), [("0af3",)])
        self.assertEqual(self.audit.asked("write")[0][4], {"webhook": "0af3"})

    def test_audit(self) -> None:
        """The audit has which fields were changed, and of the URL only the host."""
        self.change(url="https://new.example/private", batch=5)
        told = {"webhook": "0af3", "changed": ["batch", "url"], "host": "new.example"}
        self.assertEqual(self.audit.asked("write")[0][4], told)


class DeadLetterTests(PagesCase):
    """Messages that were refused for good."""

    def test_listed(self) -> None:
        """A page of them with the message as it was sent, and the cursor of the next."""
        self.webhooks.given.update(get=a_webhook(), dead_letters=([a_dead_letter("7-0")], "7-0"))
        answer = self.get(f"{ONE}/dead-letters?limit=1&cursor=5-0", OPERATOR)
        self.assertEqual(answer.status, 200, answer.raw)
        [letter] = answer.body["dead_letters"]
        self.assertEqual((letter["id"], letter["status"], answer.body["next"]), ("7-0", 422, "7-0"))
        self.assertEqual(letter["message"]["type"], "punch")
        self.assertEqual(self.webhooks.asked("dead_letters"), [("0af3", 1, "5-0")])
        self.get(f"{ONE}/dead-letters", OPERATOR)
        self.assertEqual(self.webhooks.asked("dead_letters")[-1], ("0af3", 100, "0"))
        self.assert_problem(self.get(f"{ONE}/dead-letters?cursor=x", OPERATOR), 422, "cursor")

    def test_redelivered(self) -> None:
        """All, or some by their ids, are sent again; an empty list is not all of them."""
        self.webhooks.given.update(get=a_webhook(), redeliver=2)
        for body, chosen in (({}, ()), ({"ids": ["1-0", "2-0"]}, ["1-0", "2-0"])):
            answer = self.post(f"{ONE}/redeliver", body, ADMIN)
            self.assertEqual((answer.status, answer.body), (202, {"messages": 2}))
            self.assertEqual(self.webhooks.asked("redeliver")[-1], ("0af3", chosen))
        for ids, field in (([], "ids"), (["x"], "ids[0]"), (["1-0"] * 1001, "ids"), (None, "ids")):
            self.assert_problem(self.post(f"{ONE}/redeliver", {"ids": ids}, ADMIN), 422, field)
        self.assertEqual(len(self.webhooks.asked("redeliver")), 2)
        self.assertEqual(self.audit.asked("write")[0][4], {"webhook": "0af3", "messages": 2})
        self.assert_problem(self.post(f"{ONE}/redeliver", {}, OPERATOR), 403)
