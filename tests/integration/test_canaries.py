"""Things that must never be told are pushed through every door of a running server, with errors of every
kind; then all that it tells is searched for them."""

from __future__ import annotations

import base64
import json
import os
import secrets
import socket
import subprocess
import sys
from typing import Any
from urllib.parse import quote

from tests.real.client import frame, log
from tests.real.placed import accepted_token
from tests.real.process import free_port
from tests.real.scene import DAY, Scene
from tests.real.server import KEY
from tests.real.store import SECONDS, RealStore, wait_until
from tfserver.store.tokens import digest_of

SETTINGS = """
admission: {{policy: open}}
catchup: {{enabled: false}}
webhooks: {{allow_private: true, seconds: 1}}
log: {{format: {format}, recorder_frames: 50}}
limits: {{trusted_proxies: [127.0.0.1/32]}}
store: {{url: "redis://person:{store}@127.0.0.1:{port}"}}
archive: {{url: "postgresql://person:{archive}@127.0.0.1:{closed}/punches"}}
"""
SN = "CANARY-1"
ADDRESS = {"x_forwarded_proto": "https", "x_forwarded_for": "203.0.113.9"}


class Canaries(Scene):
    """One server, and all that was hidden from it and heard of it."""

    format = "text"

    def setUp(self) -> None:
        self.hidden: dict[str, str] = {"the master key": KEY}
        self.heard: list[tuple[str, str]] = []
        word = self.hide("the store's password")
        port = free_port()
        self.redis = RealStore("--user", "person", "on", f">{word}", "~*", "&*", "+@all", port=port)
        self.addCleanup(self.redis.remove)
        self.redis.start()
        text = SETTINGS.format(
            format=self.format,
            store=word,
            port=port,
            archive=self.hide("the archive's password"),
            closed=free_port(),
        )
        self.here = self.unstarted("-c", self.file("settings.yaml", text))
        self.here.token = self.hide("the token", accepted_token(self.redis))
        self.here.start()
        self.terminal = self.client(self.here, SN)

    def hide(self, what: str, text: str = "") -> str:
        """Something that must not be found."""
        made = text or f"c4n4ry{secrets.token_hex(12)}"
        number = sum(1 for name in self.hidden if name.startswith(what))
        self.hidden[f"{what} {number}" if number else what] = made
        return made

    def say(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        """A request whose answer, if it is an error, is searched too."""
        data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        found = self.here.exchange(method, path, data, **headers)
        if found.status >= 400:
            self.heard.append((f"{found.status} for {method}", f"{found.body} {found.headers}"))
        return found.status, found.body

    def raw(self, *lines: bytes) -> bytes:
        """Bytes on a connection of its own, and what comes back until it ends."""
        answer = b""
        with socket.create_connection(("127.0.0.1", self.here.http), SECONDS) as peer:
            peer.sendall(b"\r\n".join(lines) + b"\r\n\r\n")
            while more := peer.recv(65_536):
                answer += more
        self.heard.append(("a raw answer", answer.decode("latin-1")))
        return answer

    def search(self) -> None:
        """Nothing that was hidden is in anything that was told."""
        here = self.here
        told = [*self.heard]
        for place in ("/metrics", "/audit?limit=1000", f"/terminals/{SN}/frames", "/handshakes"):
            status, found = here.get(place)
            self.assertEqual(status, 200, found)
            told.append((place, str(found)))
        streams = ("events", "news", "audit")
        told += [(f"the stream {key}", self.redis.ask(f"XRANGE tf:{key} - +")) for key in streams]
        told.append(("the doctor", self.doctor()))
        here.stop()
        told.append(("the log", here.said()))
        leaks = {
            f"{what} is told in {where}: {text[max(0, text.find(canary) - 200) :][:400]!r}"
            for where, text in told
            for what, canary in self.hidden.items()
            if canary in text or quote(canary, safe="") in text
        }
        self.assertEqual(leaks, set(), "\n".join(sorted(leaks)))

    def doctor(self) -> str:
        """What the doctor says of the server and of the terminal."""
        command = [sys.executable, "-m", "tfserver.cli.main", "doctor", SN]
        command += ["--url", f"http://127.0.0.1:{self.here.http}", "--terminals-url", self.here.url]
        environment = {**os.environ, "TFSERVER_TOKEN": self.here.token}
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment)
        self.assertIn(SN, done.stdout, done.stderr)
        return done.stdout + done.stderr

    # what terminals say

    def as_terminal(self) -> None:
        """Users, pictures and passwords: as documented, misspelled, and in frames that nobody can read."""
        terminal = self.terminal
        for backupnum, what in ((0, "a finger"), (10, "a password"), (11, "a card"), (50, "a photo")):
            record = self.hide(what)
            terminal.ask(cmd="senduser", enrollid=7, name="Ines", backupnum=backupnum, admin=0, record=record)
        terminal.ask(cmd="senduser", enrollid=8, backupnum=10, record=int(self.hide("digits", "7391528466")))
        deep = {"a": [self.hide("a deep record")]}
        terminal.ask(cmd="senduser", enrollid="who", backupnum="x", record=deep)
        picture = self.hide("a picture")
        terminal.ask(cmd="sendlog", count=1, record=[log(7, f"{DAY} 08:00:00", image=picture)])
        terminal.ask(cmd="sendlog", count="x", record=[{"time": 5, "image": [self.hide("a listed picture")]}])
        terminal.ask(cmd="sendlog", record=self.hide("a record that is no list"))
        terminal.ask(cmd="newword", password=self.hide("a password nobody asked for"))
        terminal.ask(cmd="sendqrcode", record=self.hide("a QR code"))
        cut = self.hide("a cut frame")
        for data in (f'{{"cmd":"senduser","record":"{cut}"', cut, f'["{cut}"]', f'{{"image":"{cut}"}}'):
            terminal.write(frame(data.encode()))
        terminal.say(ret="getuserinfo", enrollid=1, backupnum=0, record=self.hide("a stray reply"))
        stranger = self.client(self.here)
        stranger.ask(cmd="senduser", enrollid=1, backupnum=0, record=self.hide("a stranger's record"))
        stranger.ask(cmd="reg", sn="no serial number!", password=self.hide("a stranger's password"))
        self.knock()

    def knock(self) -> None:
        """Handshakes that are none."""
        word = self.hide("a token at the wrong door").encode()
        for lines in (
            b"GET /pub/chat?token=" + word + b" HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + word,
            b"GET /pub/chat HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nCookie: " + word,
        ):
            with socket.create_connection(("127.0.0.1", self.here.port), SECONDS) as peer:
                peer.sendall(lines + b"\r\n\r\n")
                peer.recv(4096)

    # what people say

    def as_person(self) -> None:
        """Tokens, cookies and secrets: right ones, wrong ones, and where they don't belong."""
        wrong = self.hide("a wrong token", f"tfs_{secrets.token_urlsafe(32)}")
        for token in (wrong, self.here.token):
            self.say("GET", f"/punches?access_token={token}")
            self.say("GET", f"/{token}")
            self.say("GET", f"/terminals?limit={token}")
            self.say("GET", "/punches", authorization=f"Basic {token}")
            self.say("POST", "/session", {"token": token, "password": token})
            self.say("GET", "/stream", last_event_id=token)
        self.say("GET", "/punches", authorization=f"Bearer {wrong}")
        self.say("POST", "/session", {"token": wrong}, authorization="", **ADDRESS)
        self.say("GET", "/terminals", authorization="", cookie=f"__Host-tfs={wrong}", **ADDRESS)
        _, made = self.say("POST", "/tokens", {"name": "x", "role": "reader"})
        self.say("GET", "/tokens", authorization=f"Bearer {self.hide('another token', made['token'])}")
        self.sign_in()
        self.secret_path()
        self.orders()
        self.hooks()
        self.malformed(wrong.encode())

    def sign_in(self) -> None:
        """A browser, its cookie, and what it sends with changes."""
        body = json.dumps({"token": self.here.token}).encode()
        answer = self.here.exchange("POST", "/session", body, authorization="", **ADDRESS)
        self.assertEqual(answer.status, 201, answer.body)
        pair = answer.headers["set-cookie"].partition(";")[0]
        self.hide("a cookie", pair.partition("=")[2])
        csrf = self.hide("what changes need", answer.body["csrf"])
        browser = {"authorization": "", "cookie": pair, **ADDRESS}
        self.assertEqual(self.say("GET", "/terminals", **browser)[0], 200)
        self.assertEqual(self.say("PATCH", f"/terminals/{SN}", {"name": "x"}, **browser)[0], 403)
        for given in (csrf, csrf[:-1] + "x"):
            self.say("PATCH", f"/terminals/{SN}", {"name": 1}, x_csrf_token=given, **browser)
        self.say("DELETE", "/session", x_csrf_token=csrf, **browser)
        self.assertEqual(self.say("GET", "/terminals", **browser)[0], 401)
        self.account()

    def account(self) -> None:
        """Somebody with a password, which is written into every field."""
        word, wrong = self.hide("a person's password"), self.hide("a person's wrong password")
        wanted = {"name": "ines", "role": "reader", "password": word}
        self.assertEqual(self.say("POST", "/accounts", wanted)[0], 201)
        for body in ({**wanted, "name": f"{word} "}, {**wanted, "role": word}):
            self.say("POST", "/accounts", {**body, "sites": [word * 20]})
        for body in ({"name": "ines", "password": word}, {"name": word, "password": wrong}):
            self.say("POST", "/session", body, authorization="", **ADDRESS)
        self.say("PATCH", "/accounts/ines", {"password": wrong, "language": wrong})
        self.say("PATCH", "/accounts/ines", {"password": wrong})

    def secret_path(self) -> None:
        """A path that only one terminal knows, tried by another, and by nobody's WebSocket."""
        status, made = self.say("POST", "/terminals/OTHER/path")
        self.assertEqual(status, 404, made)
        other = self.client(self.here, "OTHER")
        status, made = self.say("POST", "/terminals/OTHER/path")
        self.assertEqual(status, 201, made)
        word = self.hide("a secret path", made["path"].rpartition("/")[2])
        other.shut()
        for upgrade in (b"Upgrade: websocket\r\nConnection: Upgrade\r\n", b""):
            with socket.create_connection(("127.0.0.1", self.here.port), SECONDS) as peer:
                peer.sendall(b"GET /" + word.encode() + b" HTTP/1.1\r\nHost: x\r\n" + upgrade + b"\r\n")
                peer.recv(4096)
        stranger = self.client(self.here)
        stranger.ask(cmd="reg", sn="OTHER", cpusn="cpu-OTHER", devinfo={})
        self.say("GET", "/terminals/OTHER")
        self.heard.append(("the frames of the other", str(self.here.get("/terminals/OTHER/frames"))))

    def orders(self) -> None:
        """Passwords and photos in orders that are right, wrong in a field, or no orders."""
        place = f"/terminals/{SN}/commands"
        user = {"cmd": "setuserinfo", "enrollid": 7, "name": "Ines", "backupnum": 10, "admin": 0}
        status, order = self.say("POST", place, {**user, "record": int(self.hide("an order", "48291077"))})
        self.assertEqual(status, 202, order)
        self.terminal.obey("setuserinfo", enrollid=7, backupnum=10, record=self.hide("a reply"))
        for body in (
            {**user, "enrollid": "x", "record": self.hide("a wrong order")},
            {**user, "record": [self.hide("a listed order")]},
            {**user, "backupnum": self.hide("a password for a number")},
            {**user, "password": self.hide("an unknown field")},
            {"cmd": "setdevinfo", "language": self.hide("a password for a choice")},
            {"cmd": self.hide("a password for a word"), "record": self.hide("beside it")},
            {"cmd": "opendoor", "confirm": self.hide("a confirmation")},
            [self.hide("a list")],
        ):
            self.say("POST", place, body)
            self.say("PATCH", f"/terminals/{SN}", body)
            self.say("POST", "/tokens", body)
        role = self.hide("a token for a role")
        self.say("POST", "/tokens", {"name": "x", "role": role})
        self.say("PATCH", f"/terminals/{SN}", {"admission": role, "timezone": role})

    def hooks(self) -> None:
        """Secrets of webhooks, and URLs with something private in them."""
        secret = "whsec_" + base64.b64encode(os.urandom(32)).decode()
        self.hide("a webhook's secret", secret)
        place = self.hide("a webhook's path")
        url = f"http://127.0.0.1:{free_port()}/{place}?key={place}"
        status, made = self.say("POST", "/webhooks", {"url": url, "secret": secret, "kinds": ["punch"]})
        self.assertEqual(status, 201, made)
        _, made_too = self.say("POST", "/webhooks", {"url": url})
        self.hide("a secret that was made", made_too["secret"])
        self.say("PATCH", f"/webhooks/{made['id']}", {"secret": secret + "!", "url": url + "#x"})
        self.say("POST", "/webhooks", {"url": f"https://{self.hide('a login')}@127.0.0.1/"})
        self.say("POST", "/webhooks", {"url": url, "secret": self.hide("no secret"), "kinds": [place]})
        self.terminal.ask(cmd="sendlog", count=1, record=[log(9, f"{DAY} 09:00:00")])
        operator = self.say("POST", "/tokens", {"name": "o", "role": "operator"})[1]["token"]
        listed = self.say("GET", "/webhooks", authorization=f"Bearer {operator}")[1]
        self.heard.append(("webhooks as an operator sees them", str(listed)))

    def malformed(self, word: bytes) -> None:
        """Requests that nobody can read."""
        self.raw(b"GET /" + word, b"Authorization: Bearer " + word)
        self.raw(b"GET / HTTP/1.1", b"Authorization Bearer " + word)
        self.raw(b"GET / HTTP/1.1", b"Content-Length: " + word)
        self.raw(b"GET / HTTP/1.1", b"Transfer-Encoding: " + word)
        self.raw(word + b" /" + word + b" HTTP/1.0", b"Cookie: " + word)
        for body in (b'{"token":"' + word, b'"' + word, word, b"\xff" + word, b'{"' + b"x" * 90):
            self.say("POST", "/tokens", body)
            self.say("POST", "/session", body)

    # what goes wrong

    def mistakes(self) -> None:
        """Rows of the store that nobody can read are mistakes of ours, with a trace in the log."""
        self.heard.append(("the audit", str(self.here.get("/audit?limit=1000"))))
        word = self.hide("what stood in the store")
        digest = digest_of(word)
        for command in (
            f"HSET tf:tokens {digest} {word}",
            f"SET tf:session:{digest} {word}",
            f"HSET tf:terminal:BROKEN admission {word} devinfo {word}",
            f"HSET tf:order:0af3 told {word}",
            f"XADD tf:punches * p {word}",
            f"XADD tf:audit * a {word}",
        ):
            self.redis.ask(command)
        self.say("GET", "/punches", authorization=f"Bearer {word}")
        self.say("GET", "/terminals", authorization="", cookie=f"__Host-tfs={word}", **ADDRESS)
        for place in ("/terminals/BROKEN", "/commands/0af3", "/punches?after=0&sn=x", "/audit"):
            self.say("GET", place)
        self.assertIn(500, [int(name[:3]) for name, _ in self.heard if name[:3].isdigit()])
        self.redis.ask("DEL tf:audit")

    def store_away(self) -> None:
        """Requests of everybody while the store does not answer."""
        self.redis.pause()
        try:
            user = {"enrollid": 9, "backupnum": 10, "record": self.hide("a password without a store")}
            self.assertFalse(self.terminal.ask(cmd="senduser", **user)["result"])
            self.say("GET", "/punches", authorization=f"Bearer {self.hide('a token without a store')}")
            self.say("POST", "/session", {"token": self.here.token}, authorization="", **ADDRESS)
            self.say("POST", f"/terminals/{SN}/commands", {"cmd": "setuserinfo", **user})
        finally:
            self.redis.go_on()
        self.here.until_ready()

    def test_all(self) -> None:
        """None of it is told anywhere."""
        self.as_terminal()
        self.as_person()
        self.store_away()
        self.mistakes()
        wait_until(lambda: "not archiving" in self.here.said(), "the archive is missed")
        self.search()


class JsonCanaries(Canaries):
    """The same with a log for programs."""

    format = "json"
