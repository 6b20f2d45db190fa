"""Nothing biometric, no password and no token lies open: not in logs, metrics, errors or the store."""

from __future__ import annotations

import base64
import os
import secrets
from pathlib import Path

from tests.real.client import RealClient, frame, log
from tests.real.placed import PlacedServer
from tests.real.scene import DAY, OPEN, Scene
from tests.real.server import KEY


def photo() -> str:
    """A picture nobody has seen before."""
    return base64.b64encode(b"\xff\xd8\xff\xe0" + os.urandom(1500)).decode()


def template() -> str:
    """A template of usual length."""
    return "c51b(12)" + secrets.token_hex(580)


class Privacy(Scene):
    """One server with an embedded store, whose every file is searched."""

    def setUp(self) -> None:
        self.here = self.server(*OPEN)
        self.terminal = self.client(self.here, "SECRET")
        self.hidden: list[str] = []

    def hide(self, text: str) -> str:
        """Remember what must not be found: the text, and a piece from its middle."""
        middle = len(text) // 2
        self.hidden += [text, text[middle : middle + 40]] if len(text) > 80 else [text]
        return text

    def assert_hidden(self) -> None:
        """Nothing of it is in the log, the metrics, the API's answers or any file but the two secrets."""
        told = {
            path: str(self.here.get(path)[1])
            for path in ("/metrics", "/terminals", "/punches", "/quarantine")
        }
        for path in Path(self.here.folder).rglob("*"):
            if path.is_file() and path.name not in ("admin-token", "master.key"):
                told[str(path)] = path.read_bytes().decode("latin-1")
        self.assertTrue(any("appendonly" in name for name in told))
        for name, text in told.items():
            for secret in self.hidden:
                self.assertNotIn(secret, text, f"a secret lies open in {name}")

    def user(self, backupnum: int, record: object, **more: object) -> None:
        """Push a user, which is acknowledged."""
        message = {
            "enrollid": 4711,
            "name": "Ines",
            "backupnum": backupnum,
            "admin": 0,
            "record": record,
            **more,
        }
        self.assertTrue(self.terminal.ask(cmd="senduser", **message)["result"])

    def test_credentials(self) -> None:
        """Fingers, faces, palms, photos, passwords and cards are sealed."""
        for backupnum in (0, 9, 20, 30, 40, 51, 99):
            self.user(backupnum, self.hide(template()))
        self.user(50, self.hide(photo()))
        self.user(50, "data:image/jpeg;base64," + self.hide(photo()))
        self.user(10, int(self.hide("73915284")))
        self.user(10, self.hide("62840917"))
        self.user(11, self.hide("3120457781"))
        self.assert_hidden()

    def test_unreadable_users(self) -> None:
        """A user that could not be read lies in the quarantine without its record."""
        self.user(10, self.hide("password-in-words"))
        self.user(11, self.hide("99999999999999"))
        self.user(0, [self.hide(template())])
        self.user(0, {"template": self.hide(template())})
        self.assertTrue(
            self.terminal.ask(cmd="senduser", enrollid="who?", record=self.hide(template()))["result"]
        )
        self.assert_hidden()

    def test_credentials_beside_the_record(self) -> None:
        """Firmware that repeats credentials in fields of its own does not put them in the clear."""
        own = {
            "password": self.hide("84620173"),
            "pwd": int(self.hide("90517326")),
            "card": self.hide("2998877665"),
        }
        self.user(0, self.hide(template()), **own, photo=self.hide(photo()), fingers=[self.hide(template())])
        self.assert_hidden()

    def test_pictures_and_templates_in_logs(self) -> None:
        """Pictures of a punch are dropped, under whatever name they come."""
        for name in ("image", "photo", "face", " image ", "Image"):
            self.terminal.ask(
                cmd="sendlog", count=1, record=[log(1, f"{DAY} 08:00:00", **{name: self.hide(photo())})]
            )
        self.terminal.ask(
            cmd="sendlog", count=1, record=[log(2, f"{DAY} 08:00:00", note={"fp": self.hide(template())})]
        )
        self.terminal.ask(cmd="sendlog", count=1, record=[{"enrollid": "?", "image": self.hide(photo())}])
        self.terminal.ask(cmd="sendlog", count=1, record=[self.hide(photo())])
        self.terminal.ask(cmd="sendlog", count=1, image=self.hide(photo()), record=[])
        self.assert_hidden()

    def test_strange_frames(self) -> None:
        """Frames that cannot be read, or that nobody knows, are not written down."""
        secret = self.hide(template())
        for text in (
            f'{{"cmd":"senduser","record":"{secret}"',
            f'{{"record":"{secret}"}}',
            secret,
            f'["{secret}"]',
        ):
            self.terminal.write(frame(text.encode()))
        self.assertTrue(
            self.terminal.ask(cmd="newword", record=secret, password=self.hide("51739264"))["result"]
        )
        self.terminal.say(ret="getuserinfo", result=True, enrollid=1, backupnum=0, record=secret)
        self.assertIn(
            "access", self.terminal.ask(cmd="sendqrcode", record=self.hide("QR-" + secrets.token_hex(20)))
        )
        self._foreign(secret)
        self.assert_hidden()

    def _foreign(self, secret: str) -> None:
        client: RealClient = self.client(self.here)
        self.assertFalse(client.ask(cmd="senduser", enrollid=1, backupnum=0, record=secret)["result"])
        self.assertFalse(self.terminal.ask(cmd="senduser", sn="OTHER", enrollid=1, record=secret)["result"])

    def test_tokens(self) -> None:
        """Accepted and refused tokens stand nowhere, whichever way they were sent; only a hash is kept."""
        token = self.hide(self.here.token)
        self.assertEqual(self.here.get(f"/punches?access_token={token}")[0], 422)
        wrong = self.hide("tfs_" + secrets.token_urlsafe(32))
        self.here.token = wrong
        status, answer = self.here.get("/punches")
        self.assertEqual(status, 401)
        self.assertNotIn(wrong, str(answer))
        self.here.token = token
        self.assert_hidden()

    def test_master_key(self) -> None:
        """The master key is nowhere, and not in the child's environment."""
        self.hide(KEY)
        environment = Path(f"/proc/{self.here.store_pid()}/environ").read_bytes()
        self.assertNotIn(b"TFSERVER_", environment)
        self.assert_hidden()


class Pictures(Scene):
    """With ``punches.images: keep``."""

    def test_kept_pictures_end(self) -> None:
        """A kept picture has an end of its life, and is in neither the feed nor the log."""
        config = self.file("tfserver.yaml", "punches: {images: keep, image_hours: 1}\n")
        store = self.store()
        server: PlacedServer = self.server("-c", config, *OPEN, store=store)
        picture = photo()
        client = self.client(server, "PIC")
        self.assertTrue(
            client.ask(cmd="sendlog", record=[log(1, f"{DAY} 08:00:00", image=picture)])["result"]
        )
        uid = server.punches()[0]["uid"]
        self.assertIn(store.ask(f"TTL tf:image:{uid}").strip(), {f":{s}" for s in range(3500, 3601)})
        self.assertNotIn(picture, str(server.punches()) + server.said())
