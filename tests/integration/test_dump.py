"""Whoever has all files of the store, the archive and a backup has no credential: searched in every form."""

from __future__ import annotations

import base64
import os
import secrets
import tempfile
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.commands.pictures import base64_of, picture
from tests.real.archived import archived
from tests.real.client import RealClient, log
from tests.real.dump import PLAIN, forms, in_backup, standing
from tests.real.hooks import HookScene
from tests.real.keyed import done
from tests.real.receiver import SECRET
from tests.real.scene import DAY
from tests.real.server import KEY
from tests.real.store import wait_until

NAMED = "Zoraya Quillfeather"
"""Somebody's name, which may be read: it shows that the search finds what is there."""


class FormsTests(SynchronousTestCase):
    """The search itself."""

    def test_found(self) -> None:
        """A text is found as it is, in JSON, in hexadecimal and in base64, whatever stands before it."""
        text = 'c/"51é=b7391528467'
        told = [text.encode(), base64.b64encode(text.encode()), text.encode().hex().encode()]
        told += [base64.b64encode(b"x" * n + text.encode() + b"yy") for n in range(7)]
        told.append(b'c/\\"51\\u00e9=b7391528467')
        for one in told:
            self.assertTrue(any(form in one for form in forms(text)), one)
        self.assertFalse(any(form in b"c51b7391528468" for form in forms(text)))


class Dump(HookScene):
    """A server to which credentials come through all doors."""

    more = "punches: {images: keep}\n"

    def setUp(self) -> None:
        super().setUp()
        self.redis = self.store(*PLAIN)
        self.here = self.process()
        self.hidden: list[str] = [KEY, self.here.token]

    def hide(self, text: str) -> str:
        """Remember what must not be found: the text, or a piece from its middle when it is long."""
        middle = len(text) // 2
        self.hidden.append(text[middle : middle + 40] if len(text) > 80 else text)
        return text

    def template(self) -> str:
        """A template nobody has seen before."""
        return self.hide("c51b(12)" + secrets.token_hex(580))

    def digits(self, many: int = 10) -> str:
        """A password or card nobody has seen before."""
        return self.hide("3" + "".join(secrets.choice("0123456789") for _ in range(many - 1)))

    def people(self, terminal: RealClient) -> None:
        """A terminal pushes people with every kind of credential."""
        for slot in (0, 9, 20, 30, 40):
            self.credential(terminal, slot, self.template())
        self.credential(terminal, 50, self.hide(base64_of(picture())))
        self.credential(terminal, 10, int(self.digits(8)))
        self.credential(terminal, 10, self.digits(8))
        self.credential(terminal, 11, self.digits())
        own = {"password": self.digits(), "card": int(self.digits()), "photo": self.template()}
        self.credential(terminal, 0, self.template(), **own)
        self.credential(terminal, 0, [self.template()])
        self.credential(terminal, 10, self.hide("a password in words"))

    def credential(self, terminal: RealClient, slot: int, record: Any, **more: Any) -> None:
        """One credential."""
        told = {"enrollid": 4711, "name": NAMED, "backupnum": slot, "admin": 0, "record": record, **more}
        self.assertTrue(terminal.ask(cmd="senduser", **told)["result"])

    def punches(self, terminal: RealClient) -> None:
        """Punches with pictures, and with what has no business in them."""
        more: list[dict[str, Any]] = [
            {"image": self.hide(base64_of(picture(240, 320, noise=True)))},
            {"image": self.template(), "password": self.digits(), "card": int(self.digits())},
            {"note": {"fp": self.template()}},
        ]
        for number, fields in enumerate(more, 1):
            record = log(number, f"{DAY} 08:00:0{number}", **fields)
            self.assertTrue(terminal.ask(cmd="sendlog", count=1, record=[record])["result"])
        terminal.ask(cmd="sendlog", count=1, record=[{"enrollid": "?", "image": self.template()}])
        terminal.ask(cmd="sendqrcode", record=self.hide("QR-" + secrets.token_hex(20)))

    def orders(self, terminal: RealClient) -> None:
        """Orders that bring credentials: done, refused, read from the terminal, and waiting."""
        for slot, record in ((10, self.digits(8)), (11, self.digits()), (0, self.template())):
            told = {"enrollid": 4712, "name": NAMED, "backupnum": slot, "admin": 0, "record": record}
            ordered = self.meanwhile(self.order, self.here, "DUMP", "setuserinfo", **told)
            terminal.obey("setuserinfo", result=slot != 11)
            self.assertEqual(ordered.result()[0], 200)
        reading = self.meanwhile(self.order, self.here, "DUMP", "getuserinfo", enrollid=4711, backupnum=0)
        told = {"enrollid": 4711, "name": NAMED, "backupnum": 0, "admin": 0, "record": self.template()}
        terminal.obey("getuserinfo", **told)
        self.assertEqual(reading.result()[0], 200)
        terminal.shut()
        for slot, record in ((10, self.digits(8)), (50, self.hide(base64_of(picture(240, 320, noise=True))))):
            told = {"enrollid": 4713, "name": NAMED, "backupnum": slot, "admin": 0, "record": record}
            status, body = self.order(self.here, "DUMP", "setuserinfo", 0, **told)
            self.assertEqual(status, 202, body)
        told = {"enrollid": 4713, "backupnum": 77, "record": self.digits()}
        self.assertEqual(self.order(self.here, "DUMP", "setuserinfo", 0, **told)[0], 422)

    def others(self) -> None:
        """Secrets of webhooks, tokens, a browser's session."""
        receiver = self.receiver()
        webhook = self.hook(self.here, receiver, secret=self.hide(SECRET))
        fresh = "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
        self.assertEqual(self.here.patch(f"/webhooks/{webhook}", {"secret": self.hide(fresh)})[0], 200)
        status, made = self.here.post("/tokens", {"role": "reader", "name": NAMED})
        self.assertEqual(status, 201, made)
        self.hide(made["token"])
        answer = self.here.exchange("POST", "/session", b'{"token": "%s"}' % made["token"].encode())
        self.assertLess(answer.status, 300, answer)
        cookie = answer.headers["set-cookie"].split(";")[0].partition("=")[2]
        self.assertGreater(len(cookie), 20)
        self.hide(cookie)

    def test_nothing_readable(self) -> None:
        """No credential, password, secret, token or picture is in any key, file, archive or backup."""
        terminal = self.quiet(self.here, "DUMP")
        self.people(terminal)
        self.punches(terminal)
        self.orders(terminal)
        self.others()
        self.all_archived_now()
        file = os.path.join(tempfile.mkdtemp(), "all.backup")
        config = self.file("backup.yaml", f"archive: {{url: '{self.archive}'}}\n")
        done("backup", file, "--redis", self.redis.url, "-c", config)
        told = [*standing(self.redis), *in_backup(file)]
        folder = Path(self.archive.removeprefix("sqlite:///")).parent
        told += [(path.name, path.read_bytes()) for path in folder.iterdir()]
        told.append(("log", self.here.said().encode()))
        self.assert_searched([name for name, content in told if NAMED.encode() in content])
        wanted = {form: text for text in self.hidden for form in forms(text)}
        for name, content in told:
            found = [text for form, text in wanted.items() if form in content]
            self.assertEqual(found, [], f"a secret lies open in {name}")

    def all_archived_now(self) -> None:
        """Wait until the punches are in the archive."""
        wait_until(lambda: len(archived(self.archive)) >= 3, "the punches are archived")

    def assert_searched(self, named: list[str]) -> None:
        """What may be read was found where it has to be."""
        for where in ("tf:user:4711", "DUMP tf:user:4711", ".rdb", ".aof", "backup", "tf:order:"):
            self.assertTrue(any(where in name for name in named), (where, named))
