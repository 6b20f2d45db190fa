"""Orders that are refused leave nothing behind; what is private in those that are taken lies open nowhere."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

from tests.commands.pictures import base64_of, picture
from tests.real.orders import OrderScene
from tests.real.placed import PlacedServer
from tests.real.scene import DAY
from tests.real.server import Answer

SN: Final = "HERE"
PHOTO: Final = base64_of(picture(noise=1, quality=5))
NAMES: Final = [{"enrollid": n, "name": "Ines"} for n in range(1, 52)]
HALF_NAMED: Final = [{"enrollid": 1, "name": "Ines"}, {"enrollid": 2}]
HOLIDAY: Final = {"name": "No day", "startday": "02-30", "endday": "03-01"}
Bad = tuple[dict[str, Any], str, str]

BAD: Final[tuple[Bad, ...]] = (
    ({"cmd": "opendor"}, "cmd", "opendoor"),
    ({"cmd": "OpenDoor"}, "cmd", "unknown command"),
    ({"cmd": "upgrade", "url": "http://x/", "md5": "0" * 32}, "cmd", "experimental"),
    ({"cmd": 7}, "cmd", "expected the word"),
    ({}, "cmd", "expected the word"),
    ({"cmd": "getusername"}, "enrollid", "missing"),
    ({"cmd": "getusername", "enrollid": "seven"}, "enrollid", "whole number"),
    ({"cmd": "getusername", "enrollid": 0}, "enrollid", "whole number"),
    ({"cmd": "getusername", "enrollid": 2**63}, "enrollid", "whole number"),
    ({"cmd": "getusername", "enrollid": 99999999}, "enrollid", "expected a person"),
    ({"cmd": "getusername", "enrollid": None}, "enrollid", "whole number"),
    ({"cmd": "gettime", "when": "now"}, "when", "unknown field"),
    ({"cmd": "opendoor", "doornum": 5}, "doornum", "from 1 to 4"),
    ({"cmd": "opendoor", "doornum": True}, "doornum", "from 1 to 4"),
    ({"cmd": "setusername", "record": NAMES}, "record", "a list of 1 to 50"),
    ({"cmd": "setusername", "record": HALF_NAMED}, "record[1].name", "missing"),
    ({"cmd": "setholiday", "holidays": [HOLIDAY]}, "holidays[0].startday", "a day that exists"),
    ({"cmd": "getalllog", "from": "2026-02-02", "to": "2026-02-01"}, "to", "later"),
    ({"cmd": "setdevinfo", "serverip": 1}, "serverip", "cuts the terminal off"),
    ({"cmd": "setdevinfo"}, "cmd", "at least one setting"),
    ({"cmd": "setuserinfo", "enrollid": 7, "backupnum": 10, "record": "0123"}, "record", "the first not 0"),
    ({"cmd": "setuserinfo", "enrollid": 7, "backupnum": 50, "record": "no base64"}, "record", "JPEG"),
    (
        {"cmd": "setuserinfo", "enrollid": 7, "backupnum": 50, "record": base64_of(b"GIF89a")},
        "record",
        "JPEG",
    ),
    ({"cmd": "setuserinfo", "enrollid": 7, "backupnum": 50, "record": PHOTO}, "record", "at most 3000 bytes"),
    ({"cmd": "gettime", "ttl": 0}, "ttl", "1 to 604800"),
    ({"cmd": "gettime", "ttl": 604801}, "ttl", "1 to 604800"),
    ({"cmd": "gettime", "ttl": "60"}, "ttl", "whole number"),
    ({"cmd": "gettime", "ttl": True}, "ttl", "whole number"),
    ({"cmd": "opendoor", "ttl": 31}, "ttl", "1 to 30"),
    ({"cmd": "reboot", "ttl": 3601}, "ttl", "1 to 3600"),
    ({"cmd": "cleanuser"}, "confirm", "serial number"),
    ({"cmd": "cleanuser", "confirm": "THERE"}, "confirm", "serial number"),
    ({"cmd": "cleanuser", "confirm": True}, "confirm", "serial number"),
)
"""What is no order, which field is told, and a piece of what is said of it."""


class InputScene(OrderScene):
    """People who ask for what can't be done; one process is enough for that."""

    def setUp(self) -> None:
        self.redis = self.store()
        self.one = self.two = self.process("two")

    def send(self, body: bytes, sn: str = SN, **headers: str) -> Answer:
        """Order something at process ``two``, and the whole answer."""
        return self.two.exchange("POST", f"/terminals/{sn}/commands", body, **headers)

    def assert_problem(self, answer: Answer, status: int, told: str = "") -> dict[str, Any]:
        """A problem as RFC 9457 has it, with a sentence that has this in it."""
        self.assertEqual(answer.status, status, answer.body)
        self.assertEqual(answer.body["status"], status)
        self.assertTrue(answer.headers["content-type"].startswith("application/problem+json"))
        self.assertEqual(answer.body["title"], HTTPStatus(status).phrase)
        self.assertIn(told, answer.body["detail"])
        body: dict[str, Any] = answer.body
        return body

    def token(self, role: str, *sites: str) -> str:
        """A new token."""
        status, made = self.two.post("/tokens", {"name": "a test", "role": role, "sites": [*sites]})
        self.assertEqual(status, 201, made)
        return str(made["token"])

    def by(self, token: str, ask: Callable[[], Answer]) -> Answer:
        """What is answered to the bearer of another token."""
        own, self.two.token = self.two.token, token
        try:
            return ask()
        finally:
            self.two.token = own


class Bodies(InputScene):
    """What is asked for."""

    more = "profiles: {small: {most_photo_bytes: 3000}}\n"

    def test_bad_bodies(self) -> None:
        """Each is told by its field, nothing is created, and the terminal hears of none."""
        terminal = self.terminal(SN)
        self.assertEqual(self.two.patch(f"/terminals/{SN}", {"model_profile": "small"})[0], 200)
        for body, field, told in BAD:
            problem = self.assert_problem(self.send(json.dumps(body).encode()), 422)
            messages = {error["field"]: error["message"] for error in problem["errors"]}
            self.assertIn(told, messages.get(field, ""), (body.get("cmd"), problem))
        for text, status in ((b"", 400), (b"{", 400), (b"[1]", 422), (b"[" * 100_000, 400), (b"\xff", 400)):
            self.assert_problem(self.send(text), status)
        self.assert_problem(self.send(b'{"cmd":"' + b"x" * 600_000 + b'"}'), 413)
        self.assert_problem(self.send(b'{"cmd":"gettime"}', content_type="text/xml"), 415)
        self.assert_problem(self.send(b'{"cmd":"gettime"}', idempotency_key="two words"), 422)
        self.assertEqual(self.listed(SN), [])
        order_id = self.put(SN, "gettime")
        self.assertEqual(terminal.hear(), {"cmd": "gettime"})
        terminal.reply("gettime", result=None, time=f"{DAY} 08:00:00")
        self.end_of(order_id, "done")

    def test_private_when_refused(self) -> None:
        """What was refused is told neither to who asked nor to the log or the audit."""
        self.terminal(SN)
        wrong = {
            "0" + secrets.token_hex(6): "record",
            secrets.token_hex(20): "record",
            secrets.token_hex(21): "password",
        }
        told = []
        for secret, field in wrong.items():
            body = {"cmd": "setuserinfo", "enrollid": 7, "backupnum": 10, "record": secret, field: secret}
            told.append(str(self.assert_problem(self.send(json.dumps(body).encode()), 422)))
        told += [self.two.said(), str(self.two.get("/audit")[1]), str(self.two.get("/metrics")[1])]
        for secret in wrong:
            self.assertNotIn(secret, "".join(told))


class Rights(InputScene):
    """Who asks, and for which terminal."""

    more = ""

    def process(self, name: str) -> PlacedServer:
        """A process where unknown terminals wait for approval."""
        settings = self.file("settings.yaml", "catchup: {enabled: false}\norders: {most_open: 3}\n")
        return self.server("-c", settings, "--instance", name, store=self.redis)

    def approved(self, sn: str, site: str = "") -> None:
        """A terminal that was approved, and is away."""
        self.assertFalse(self.client(self.one).register(sn)["result"])
        status, told = self.two.patch(f"/terminals/{sn}", {"admission": "approved", "site": site})
        self.assertEqual(status, 200, told)

    def test_terminals(self) -> None:
        """Unknown ones, and those that are not approved, take no orders."""
        order = b'{"cmd":"gettime"}'
        self.assert_problem(self.send(order, "NOBODY"), 404, "NOBODY")
        self.assertEqual(self.two.get("/terminals/NOBODY/commands")[0], 404)
        self.assertFalse(self.client(self.one).register(SN)["result"])
        self.assert_problem(self.send(order), 409, "pending")
        self.assertEqual(self.two.patch(f"/terminals/{SN}", {"admission": "denied"})[0], 200)
        self.assert_problem(self.send(order), 409, "denied")
        self.assertEqual(self.listed(SN), [])

    def test_roles(self) -> None:
        """Readers order nothing, operators not what can't be undone, nobody what is at another's site."""
        self.approved(SN, "Oslo")
        wiping = json.dumps({"cmd": "cleanuser", "confirm": SN}).encode()
        reader, operator = self.token("reader"), self.token("operator")
        for token, body, status in (
            (reader, b'{"cmd":"gettime"}', 403),
            (operator, wiping, 403),
            (self.token("operator", "Rome"), b'{"cmd":"gettime"}', 404),
            ("", b'{"cmd":"gettime"}', 401),
            ("tfs_nobody", b'{"cmd":"gettime"}', 401),
        ):
            self.assert_problem(self.by(token, partial(self.send, body)), status)
        self.assertEqual(self.listed(SN), [])
        made = self.by(self.token("operator", "Oslo"), lambda: self.send(b'{"cmd":"gettime"}'))
        self.assertEqual(made.status, 202)
        self.assertEqual(self.send(wiping).status, 202)
        place = f"/commands/{made.body['id']}"
        self.assertEqual(self.by(reader, lambda: self.two.exchange("GET", place, None)).status, 200)
        self.assert_problem(self.by(reader, lambda: self.two.exchange("DELETE", place, None)), 403)
        self.assertEqual(self.look(made.body["id"])["state"], "queued")

    def test_idempotency(self) -> None:
        """The same key and order are one order, at whichever process and however often at once; with another
        order the key is refused; somebody else's key is another."""
        self.approved(SN)
        order, path = {"cmd": "getusername", "enrollid": 7}, f"/terminals/{SN}/commands"
        self.one = self.process("one")
        self.one.token = self.two.token
        asked = [
            self.meanwhile(each.post, path, order, idempotency_key="k1") for each in (self.one, self.two) * 4
        ]
        answers = [one.result() for one in asked]
        self.assertEqual({status for status, _ in answers}, {202})
        self.assertEqual([*{body["id"] for _, body in answers}], self.listed(SN))
        other = json.dumps({**order, "enrollid": 8}).encode()
        self.assert_problem(self.send(other, idempotency_key="k1"), 422, "Idempotency-Key")
        self.assertEqual(len(self.listed(SN)), 1)
        theirs = self.by(self.token("operator"), lambda: self.send(other, idempotency_key="k1"))
        self.assertEqual((theirs.status, len(self.listed(SN))), (202, 2))
        self.two.delete(f"/commands/{answers[0][1]['id']}")
        again = self.send(json.dumps(order).encode(), idempotency_key="k1")
        self.assertEqual((again.body["id"], again.body["state"]), (answers[0][1]["id"], "cancelled"))
        self.assertEqual(len(self.listed(SN)), 2)

    def test_full_queue(self) -> None:
        """More orders than may wait are refused; one that was taken back makes room."""
        self.approved(SN)
        ids = [self.put(SN, "getusername", enrollid=n) for n in (1, 2, 3)]
        full = self.send(b'{"cmd":"gettime"}')
        self.assert_problem(full, 429, SN)
        self.assertIn("retry-after", full.headers)
        self.assertEqual(self.listed(SN), ids[::-1])
        self.assertEqual(self.two.delete(f"/commands/{ids[0]}")[0], 200)
        self.put(SN, "gettime")

    def test_cancel(self) -> None:
        """What is queued can be taken back once, and is never said; what was sent, or ended, can't."""
        self.approved(SN)
        terminal = self.terminal(SN)
        sent = self.put(SN, "getusername", enrollid=1)
        terminal.commanded("getusername")
        queued = self.put(SN, "getusername", enrollid=2)
        self.assertEqual(self.one.delete(f"/commands/{sent}")[0], 409)
        status, order = self.one.delete(f"/commands/{queued}")
        self.assertEqual((status, order["state"], order["attempts"]), (200, "cancelled", 0))
        self.assertEqual(self.two.delete(f"/commands/{queued}")[0], 409)
        self.assertEqual(self.two.delete("/commands/nothing")[0], 404)
        terminal.reply("getusername", record="Ines")
        done = self.end_of(sent, "done")
        self.assertEqual(self.two.delete(f"/commands/{sent}")[0], 409)
        last = self.put(SN, "gettime")
        terminal.obey("gettime", result=None, time=f"{DAY} 08:00:00")
        self.end_of(last, "done")
        self.assertEqual(terminal.passed, [])
        self.assert_one_end([done, self.look(queued)])


class Sealed(InputScene):
    """Passwords, cards, templates and photos on their way to and from a terminal."""

    GIVEN: Final = {0: "c51b(12)" + secrets.token_hex(580), 10: "73915284", 11: "3120457781", 50: PHOTO}
    FETCHED: Final = {0: "d62c(12)" + secrets.token_hex(580), 10: "62840917", 11: "2998877665"}
    PIN: Final = "48207193"

    def test_nothing_lies_open(self) -> None:
        """The terminal gets and gives them as they are; no key, file, log, metric or answer has them."""
        self.terminal(SN).shut()
        ids = [
            self.put(SN, "setuserinfo", enrollid=7, name="Ines Open", backupnum=slot, record=record)
            for slot, record in self.GIVEN.items()
        ]
        ids.append(self.put(SN, "adduser", enrollid=9, backupnum=10, flag=2, password=self.PIN))
        ids += [self.put(SN, "getuserinfo", enrollid=7, backupnum=slot) for slot in self.FETCHED]
        self.assert_hidden()
        terminal = self.terminal(SN)
        got = {slot: terminal.obey("setuserinfo")["record"] for slot in self.GIVEN}
        self.assertEqual(got, {**self.GIVEN, 10: int(self.GIVEN[10]), 11: int(self.GIVEN[11])})
        self.assertEqual(terminal.obey("adduser")["password"], int(self.PIN))
        for slot, record in self.FETCHED.items():
            told = {"enrollid": 7, "name": "Ines Open", "backupnum": slot, "admin": 0, "record": record}
            terminal.obey("getuserinfo", **told, password=self.PIN)
        for order_id in ids:
            self.end_of(order_id, "done")
        self.assert_hidden()

    def assert_hidden(self) -> None:
        """None of it, nor a piece of it, is anywhere, but what is no secret is."""
        places = ("/metrics", "/audit", f"/terminals/{SN}/commands", "/quarantine", "/terminals")
        told = {
            f"{one.folder}{path}": str(one.get(path)[1]) for one in (self.one, self.two) for path in places
        }
        for folder in (self.redis.folder, self.one.folder, self.two.folder):
            for path in Path(folder).rglob("*"):
                if path.is_file():
                    told[str(path)] = path.read_bytes().decode("latin-1")
        self.assertTrue(any("appendonly" in name and "Ines Open" in text for name, text in told.items()))
        for secret in (*self.GIVEN.values(), *self.FETCHED.values(), self.PIN):
            middle = len(secret) // 2
            piece = secret[middle : middle + 40] if len(secret) > 80 else secret
            self.assertEqual([name for name, text in told.items() if piece in text], [], secret[:12])
