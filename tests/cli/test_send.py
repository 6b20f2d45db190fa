"""``tfserver send``: what is ordered, what came of it, and the exit status."""

from __future__ import annotations

import base64
import os
from pathlib import Path
from typing import Any
from unittest import mock

from tests.cli.called import call, unused_port
from tests.cli.stub import TOKEN, Answer, StubCase, order, problem
from tfserver.cli import send

SN = "ZXDM26010042"
WHERE = f"POST /terminals/{SN}/commands"


class SendTests(StubCase):
    """One order."""

    def body(self, *words: str) -> Any:
        """What is posted for these words."""
        self.stub.on(WHERE, order("done"))
        done = self.ask("send", SN, *words)
        self.assertEqual(done.status, 0, done.err)
        return self.stub.asked[-1].body

    def test_values(self) -> None:
        """A value that is JSON is taken as such, everything else is text."""
        words = (
            "a=1",
            "b=true",
            "c=x y",
            'd="12"',
            'e=[{"f":1}]',
            "g=",
            "h=007",
            "i=NaN",
            "j=1e999",
            "k=a=b",
        )
        found = self.body("setdevinfo", *words)
        expected = {
            "cmd": "setdevinfo", "a": 1, "b": True, "c": "x y", "d": "12", "e": [{"f": 1}], "g": "",
            "h": "007", "i": "NaN", "j": "1e999", "k": "a=b",
        }  # fmt: skip
        self.assertEqual(found, expected)

    def test_options(self) -> None:
        """Life and confirmation stand beside the fields; the wait is asked for in the query."""
        body = self.body("cleanlog", "--ttl", "60", "--confirm", SN, "--wait", "6.5")
        self.assertEqual(body, {"cmd": "cleanlog", "ttl": 60, "confirm": SN})
        self.assertEqual(self.stub.asked[-1].query, {"wait": "7"})
        self.assertEqual(self.stub.asked[-1].token, TOKEN)

    def test_file(self) -> None:
        """A file goes as base64."""
        path = os.path.abspath(self.mktemp())
        Path(path).write_bytes(b"\xff\xd8\xff\xe0 photo")
        body = self.body("setuserinfo", "enrollid=7", "--file", f"record={path}")
        self.assertEqual(base64.b64decode(body["record"]), b"\xff\xd8\xff\xe0 photo")

    def test_wrong_words(self) -> None:
        """Words that make no order are status 2, and nothing is asked."""
        for words in (
            ("doornum",),
            ("=1",),
            ("a=1", "a=2"),
            ("cmd=opendoor",),
            ("ttl=5",),
            ("confirm=x",),
            ("--file", "record=/nonexistent/photo.jpg"),
            ("--file", "record"),
            ("--ttl", "soon"),
            ("--wait", "-1"),
        ):
            done = self.ask("send", SN, "opendoor", *words)
            self.assertEqual((done.status, done.out), (2, ""), words)
            self.assertTrue(done.err)
        self.assertEqual(self.ask("send", SN).status, 2)
        self.assertEqual(self.stub.asked, [])

    def test_ends(self) -> None:
        """Only ``done`` is status 0; every other end is 1, and said in plain words."""
        for state, status, words in (
            ("done", 0, "done"),
            ("refused", 1, "the terminal refused"),
            ("failed", 1, "certainly did not happen"),
            ("unknown", 1, "not known: look at the terminal"),
            ("expired", 1, "its time was over"),
            ("cancelled", 1, "cancelled"),
        ):
            self.stub.on(WHERE, order(state))
            done = self.ask("send", SN, "opendoor")
            self.assertEqual((done.status, done.err), (status, ""), state)
            self.assertIn(f"{SN}: opendoor: ", done.out)
            self.assertIn(words, done.out)
            self.assertEqual(self.ask("send", SN, "opendoor", "--json").json, order(state))

    def test_reason(self) -> None:
        """Why a terminal refused: our words, and its own."""
        error = {"message": "the terminal said no", "reason": 1, "msg": "can not find\x1b[2J the user"}
        self.stub.on(WHERE, order("refused", error=error))
        out = self.ask("send", SN, "opendoor").out
        self.assertIn(r"the terminal said no (reason 1, msg can not find\x1b[2J the user)", out)

    def test_reply(self) -> None:
        """What the terminal replied stands below."""
        self.stub.on(WHERE, order("done", reply={"name": "Ann", "lock": {"doors": [1, 2]}}))
        lines = self.ask("send", SN, "getuserinfo").out.splitlines()
        self.assertEqual(lines[1:], ["  name: Ann", "  lock.doors: [1, 2]"])

    def test_not_ended(self) -> None:
        """An order that has not ended within the wait is status 4, with its id."""
        for state, words in (("queued", "waits in the queue"), ("sent", "no answer has come yet")):
            self.stub.on(WHERE, Answer(202, order(state)))
            done = self.ask("send", SN, "opendoor", "--wait", "0")
            self.assertEqual((done.status, done.err), (4, ""))
            self.assertIn(words, done.out)
            self.assertIn("tfserver orders show 5b2f0c9e1a", done.out)
            self.assertEqual(self.stub.asked[-1].query, {})

    def test_looked_at_again(self) -> None:
        """When the server answers before the end it is asked for the order until the wait is over."""
        self.stub.on(WHERE, Answer(202, order("queued")))
        self.stub.on("GET /commands/5b2f0c9e1a", order("sent"), order("done"))
        with mock.patch.object(send, "LOOK_SECONDS", 0):
            done = self.ask("send", SN, "opendoor", "--wait", "600")
        self.assertEqual(done.status, 0)
        self.assertEqual(len(self.stub.asked), 3)
        self.assertEqual(self.stub.asked[0].query, {"wait": "25"})

    def test_refused_by_server(self) -> None:
        """What the server does not take is status 1, with what is wrong with each field."""
        wrong = problem(
            422, "2 fields are wrong", ("doornum", "expected 1 to 4"), ("ttl", "expected 1 to 30")
        )
        for answer, words in (
            (wrong, "  doornum: expected 1 to 4\n  ttl: expected 1 to 30\n"),
            (problem(404, "no terminal has this number"), "no terminal has this number"),
            (problem(409, "the terminal is not online"), "the terminal is not online"),
        ):
            self.stub.on(WHERE, answer)
            done = self.ask("send", SN, "opendoor", "doornum=9")
            self.assertEqual((done.status, done.out), (1, ""))
            self.assertTrue(done.err.startswith("tfserver send: "))
            self.assertIn(words, done.err)

    def test_unreachable(self) -> None:
        """A server out of reach is status 3; whether it got the order nobody knows, and that is said."""
        url = f"http://127.0.0.1:{unused_port()}"
        done = call("send", SN, "opendoor", TFSERVER_URL=url, TFSERVER_TOKEN=TOKEN)
        self.assertEqual((done.status, done.out), (3, ""))
        self.assertIn(f"tfserver orders {SN}", done.err)
