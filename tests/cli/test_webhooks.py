"""``tfserver webhooks``."""

from __future__ import annotations

from typing import Any

from tests.cli.called import call
from tests.cli.stub import TOKEN, StubCase, problem

ID = "5b2f0c9e1a7d4e21"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def webhook(**changed: Any) -> dict[str, Any]:
    """A webhook as the API tells of it."""
    health = {
        "cursor": "5-0", "behind_seconds": 0.2, "failing_since": None, "attempts": 0, "next_try": None,
        "last_success": None, "last_failure": None, "last_status": 200, "last_error": "", "delivered": 9,
        "dead": 0, "redelivering": 0, "missed_events": None, "missed_punches": None,
    }  # fmt: skip
    found = {
        "id": ID, "url": "https://hr.example/in", "kinds": [], "sites": [], "batch": 1, "state": "active",
        "created": "2026-04-02T07:00:00.000Z", "created_by": "token a", "old_secret_until": None,
    }  # fmt: skip
    return {**found, **changed, "health": {**health, **changed.get("health", {})}}


class WebhooksTests(StubCase):
    """Looking and changing."""

    def test_alone_is_list(self) -> None:
        """Without a sub-command it lists: state in one word, how far behind, what troubles it."""
        trouble = {"failing_since": "2026-04-02T07:00:00.000Z", "behind_seconds": 7300, "dead": 3}
        rows = [
            webhook(kinds=["punch", "door"], sites=["Lisbon"]),
            webhook(health={**trouble, "last_error": "the connection was refused"}),
            webhook(state="stopped", health=trouble),
        ]
        self.stub.on("GET /webhooks", {"webhooks": rows})
        done = self.ask("webhooks")
        self.assertEqual((done.status, done.err), (0, ""))
        lines = done.out.splitlines()
        self.assertRegex(lines[1], rf"^{ID}  active +0 s +0 +punch, door +Lisbon +https://hr.example/in$")
        self.assertRegex(lines[2], rf"^{ID}  failing +2 h +3 +all +all .* the connection was refused$")
        self.assertRegex(lines[3], rf"^{ID}  stopped ")
        self.assertEqual(self.ask("webhooks", "list", "--json").json, rows)

    def test_show(self) -> None:
        """Everything, a line for each field."""
        self.stub.on(f"GET /webhooks/{ID}", webhook())
        self.assertRegex(self.ask("webhooks", "show", ID).out, r"(?m)^health\.delivered +9$")

    def test_add(self) -> None:
        """What was asked for goes along, and nothing else; the secret is printed."""
        self.stub.on("POST /webhooks", webhook(secret=SECRET))
        done = self.ask("webhooks", "add", "https://hr.example/in")
        self.assertEqual(
            self.only().body, {"url": "https://hr.example/in", "kinds": [], "sites": [], "batch": 1}
        )
        self.assertRegex(done.out, rf"(?m)^secret +{SECRET}$")
        self.ask(
            *("webhooks", "add", "https://hr.example/in", "--kind", "punch", "--kind", "terminal"),
            *("--site", "Lisbon", "--batch", "100", "--after", "0-0", "--secret", SECRET),
        )
        expected = {"kinds": ["punch", "terminal"], "sites": ["Lisbon"], "batch": 100, "after": "0-0"}
        self.assertEqual(
            self.stub.asked[1].body, {"url": "https://hr.example/in", "secret": SECRET, **expected}
        )

    def test_secret_from_the_environment(self) -> None:
        """A secret need not stand among the options."""
        self.stub.on("POST /webhooks", webhook(secret=None))
        environment = {
            "TFSERVER_URL": self.stub.url,
            "TFSERVER_TOKEN": TOKEN,
            "TFSERVER_WEBHOOK_SECRET": SECRET,
        }
        call("webhooks", "add", "https://hr.example/in", **environment)
        self.assertEqual(self.only().body["secret"], SECRET)

    def test_refused(self) -> None:
        """What the server refuses is status 1, with its sentence."""
        said = "url: 10.0.0.1 is a private address"
        self.stub.on("POST /webhooks", problem(422, said, ("url", "10.0.0.1 is a private address")))
        done = self.ask("webhooks", "add", "https://hr.example/in")
        self.assertEqual((done.status, done.out, done.err), (1, "", f"tfserver webhooks: {said}\n"))

    def test_states(self) -> None:
        """Pausing and resuming change the state, of several in turn."""
        for action, state in (("pause", "paused"), ("resume", "active")):
            self.stub.asked.clear()
            for webhook_id in ("a", "b"):
                self.stub.on(f"PATCH /webhooks/{webhook_id}", webhook(id=webhook_id, state=state))
            done = self.ask("webhooks", action, "a", "b", "--json")
            self.assertEqual([row["state"] for row in done.json], [state, state])
            self.assertEqual([asked.body for asked in self.stub.asked], [{"state": state}] * 2)

    def test_rotate(self) -> None:
        """Another secret: the server's, or one's own."""
        self.stub.on(
            f"PATCH /webhooks/{ID}", webhook(secret=SECRET, old_secret_until="2026-04-03T07:00:00.000Z")
        )
        self.assertIn(SECRET, self.ask("webhooks", "rotate", ID).out)
        self.ask("webhooks", "rotate", ID, "--secret", SECRET)
        self.assertEqual([asked.body for asked in self.stub.asked], [{"secret": None}, {"secret": SECRET}])

    def test_remove(self) -> None:
        """Webhooks are removed one after another."""
        self.stub.on(f"DELETE /webhooks/{ID}", "")
        self.assertEqual(self.ask("webhooks", "remove", ID).out, f"{ID}: removed\n")

    def test_dead(self) -> None:
        """Dead letters come page after page, up to the limit."""
        letter = {"id": "1-0", "at": "2026-04-02T07:00:00.000Z", "message_id": "punch_1", "status": 422}
        letters = [{**letter, "id": f"{n}-0", "why": "no such person", "message": {}} for n in range(3)]
        pages = ({"dead_letters": letters[:2], "next": "1-0"}, {"dead_letters": letters[2:], "next": None})
        self.stub.on(f"GET /webhooks/{ID}/dead-letters", *pages)
        done = self.ask("webhooks", "dead", ID)
        self.assertEqual([line.split()[0] for line in done.out.splitlines()[1:]], ["0-0", "1-0", "2-0"])
        self.assertIn("no such person", done.out)
        self.assertEqual(self.stub.asked[1].query["cursor"], "1-0")
        self.stub.on(f"GET /webhooks/{ID}/dead-letters", *pages)
        self.assertEqual(len(self.ask("webhooks", "dead", ID, "--limit", "1", "--json").json), 1)

    def test_redeliver(self) -> None:
        """Some by their ids, or all when that is said; never all by leaving something out."""
        self.stub.on(f"POST /webhooks/{ID}/redeliver", {"messages": 2})
        self.assertEqual(
            self.ask("webhooks", "redeliver", ID, "1-0", "2-0").out, f"{ID}: 2 messages are sent again\n"
        )
        self.ask("webhooks", "redeliver", ID, "--all")
        self.assertEqual([asked.body for asked in self.stub.asked], [{"ids": ["1-0", "2-0"]}, {}])
        for words in ((), ("1-0", "--all")):
            done = self.ask("webhooks", "redeliver", ID, *words)
            self.assertEqual(done.status, 1)
            self.assertIn("--all", done.err)
        self.assertEqual(len(self.stub.asked), 2)
