"""``tfserver key``: what is told, what is refused, and that no key is ever shown."""

from __future__ import annotations

import threading
from pathlib import Path
from unittest import mock

from twisted.trial.unittest import SynchronousTestCase

from tests.cli.called import Outcome, call
from tests.real.store import RealStore
from tfserver.cli import rotating
from tfserver.store.address import Address
from tfserver.store.blocking import Blocking
from tfserver.store.keyring import KeyFile
from tfserver.store.rotation import Rotation
from tfserver.store.vault import Vault, key_id_of, new_master_key, read_master_key

RECORD = "c2VjcmV0IHRlbXBsYXRl"


def id_of(text: str) -> str:
    """What a key is called."""
    return key_id_of(read_master_key(text, "test"))


class KeyCase(SynchronousTestCase):
    """A store with three people, whose data keys are wrapped by the only key in a file."""

    def setUp(self) -> None:
        self.store = RealStore()
        self.addCleanup(self.store.remove)
        self.store.start()
        self.text = new_master_key()
        self.first = id_of(self.text)
        self.path = Path(self.mktemp()).absolute()
        self.path.write_text(f"{self.text}\n")
        self.store.ask(f"HSET tf:meta schema 1 reader 1 master_key {self.first}")
        vault = Vault(read_master_key(self.text, "test"))
        self.sealed = {}
        for number in (1, 2, 3):
            wrapped = vault.new_data_key(number)
            self.sealed[number] = vault.seal(wrapped, number, 0, RECORD)
            self.store.ask(f"HSET tf:user:{number} key {wrapped} c:0:T1 {self.sealed[number]} p:T1 profile")

    def key(self, *words: str, **environment: str) -> Outcome:
        """``tfserver key WORDS`` for that store and that file; it shows no key."""
        where = ["--redis", self.store.url]
        if "TFSERVER_MASTER_KEY" not in environment:
            where += ["--key-file", str(self.path)]
        done = call("key", *words, *where, **environment)
        for text in (*self.path.read_text().split(), environment.get("TFSERVER_MASTER_KEY", self.text)):
            self.assertNotIn(text, done.out + done.err)
        return done

    def refused(self, *words: str, **environment: str) -> str:
        """Why it is refused, with nothing changed."""
        before = self.path.read_text()
        done = self.key(*words, **environment)
        self.assertEqual((done.status, done.out), (1, ""), done)
        self.assertEqual(self.path.read_text(), before)
        return done.err

    def ids(self) -> list[str]:
        """What the keys in the file are called, in their order."""
        return [id_of(text) for text in self.path.read_text().split()]

    def under(self, number: int) -> str:
        """The id of the key that somebody's data key is wrapped by."""
        return self.store.ask(f"HGET tf:user:{number} key").split("\r\n")[1].partition(":")[0]

    def assert_opens(self, vault: Vault) -> None:
        """Every credential opens with these keys."""
        for number, sealed in self.sealed.items():
            wrapped = self.store.ask(f"HGET tf:user:{number} key").split("\r\n")[1]
            self.assertEqual(vault.open(wrapped, number, 0, sealed), RECORD)

    def audit(self) -> str:
        """Who did what."""
        return self.store.ask("XRANGE tf:audit - +")


class RotateTests(KeyCase):
    """From one key to another."""

    def test_changed(self) -> None:
        """A new key is made and put first; everything opens with it alone, and the audit knows."""
        done = self.key("rotate")
        self.assertEqual((done.status, done.err), (0, ""))
        new, old = self.ids()
        self.assertEqual(old, self.first)
        for words in (new, old, "3 data keys", f"tfserver key forget {old}"):
            self.assertIn(words, done.out)
        self.assert_opens(Vault(KeyFile(self.path).keys[0]))
        self.assertIn("key rotate", self.audit())
        self.assertIn(new, self.audit())

    def test_json(self) -> None:
        """For programs: which seals, how much was done, what is needed no more."""
        found = self.key("rotate", "--json").json
        self.assertEqual(
            found, {"seals": self.ids()[0], "resealed": 3, "retired": [self.first], "without": []}
        )

    def test_twice(self) -> None:
        """Two changes one after another leave three keys; the last seals everything."""
        for _ in range(2):
            self.assertEqual(self.key("rotate").status, 0)
        self.assertEqual((len(self.ids()), self.ids()[2]), (3, self.first))
        self.assertEqual({self.under(number) for number in (1, 2, 3)}, {self.ids()[0]})

    def test_to(self) -> None:
        """A key that was put into the file by hand is taken when it is named, and only one that is there."""
        other = new_master_key()
        self.path.write_text(f"{self.text}\n{other}\n")
        self.assertIn("12345678", self.refused("rotate", "--to", "12345678"))
        self.assertIn("seals already", self.refused("rotate", "--to", self.first))
        self.assertEqual(self.key("rotate", "--to", id_of(other)).status, 0)
        self.assertEqual(self.ids(), [id_of(other), self.first])

    def test_broken_off(self) -> None:
        """Killed at any step, the next run ends what was begun: no key too many, nothing lost."""
        steps = ("begin", "wake", "stands", "without", "switch", "reseal", "done", "note")
        for step in steps:
            for late in (False, True):
                before = self.ids()
                with mock.patch.object(Rotation, step, _killed(step, late)):
                    self.assertRaises(Killed, self.key, "rotate")
                self.assert_opens(Vault(*KeyFile(self.path).keys))
                done = self.key("rotate")
                self.assertEqual(done.status, 0, (step, late, done.err))
                self.assert_opens(Vault(KeyFile(self.path).keys[0]))
                more = 2 if (step, late) in AFTER_ITS_END else 1
                self.assertLessEqual(len(self.ids()) - len(before), more, (step, late))

    def test_file_killed(self) -> None:
        """The same when the file is not written any more, or just was."""
        for calls in (1, 2):
            for late in (False, True):
                before = self.ids()
                with mock.patch.object(KeyFile, "replace", _killed_writing(calls, late)):
                    self.assertRaises(Killed, self.key, "rotate")
                self.assertEqual(self.key("rotate").status, 0)
                self.assertEqual(len(self.ids()) - len(before), 1)
                self.assert_opens(Vault(KeyFile(self.path).keys[0]))

    def test_server_without_it(self) -> None:
        """A server that does not learn the new key in time is named, and the old one goes on to seal."""
        self.store.ask("SADD tf:owners one/1 old/2 gone/3")
        self.store.ask(f"SET tf:alive:one/1 'keys {self.first}'")
        self.store.ask("SET tf:alive:old/2 1")
        done = self.key("rotate", "--wait", "0.2")
        self.assertEqual(done.status, 4)
        for words in ("old/2, one/1", "nothing was changed", "older release"):
            self.assertIn(words, done.err)
        self.assertNotIn("gone/3", done.err)
        self.assertEqual({self.under(number) for number in (1, 2, 3)}, {self.first})
        _, new = self.ids()
        for owner in ("one/1", "old/2"):
            self.store.ask(f"SET tf:alive:{owner} 'keys {self.first} {new}'")
        self.assertEqual(self.key("rotate").status, 0)
        self.assertEqual(self.ids(), [new, self.first])

    def test_waits(self) -> None:
        """It goes on as soon as the last server has said that it knows the new key, and wakes it for that."""
        self.store.ask("SADD tf:owners one/1")
        self.store.ask(f"SET tf:alive:one/1 'keys {self.first}'")
        woken: list[str] = []

        def wake(rotation: Rotation) -> None:
            woken.append(self.ids()[-1])
            self.store.ask(f"SET tf:alive:one/1 'keys {self.first} {self.ids()[-1]}'")

        with mock.patch.object(Rotation, "wake", wake):
            self.assertEqual(self.key("rotate").status, 0)
        self.assertEqual(woken, [self.ids()[0], self.first])

    def test_another_file(self) -> None:
        """A change that is under way with another server's file is not overtaken."""
        self.store.ask("HSET tf:meta next_key 12345678")
        self.store.ask("SADD tf:owners one/1")
        self.store.ask(f"SET tf:alive:one/1 'keys {self.first} 12345678'")
        error = self.refused("rotate")
        for words in ("12345678", "one/1"):
            self.assertIn(words, error)
        self.store.ask("DEL tf:alive:one/1")
        self.assertEqual(self.key("rotate").status, 0)

    def test_wrong_file(self) -> None:
        """Without the key that seals nothing is begun."""
        self.path.write_text(f"{new_master_key()}\n")
        self.assertIn(self.first, self.refused("rotate"))
        self.store.ask("DEL tf:meta")
        self.assertIn("no server ever ran", self.refused("rotate"))

    def test_variable(self) -> None:
        """A key that the environment gives can't be changed from here: it says what to do, then does it."""
        error = self.refused("rotate", TFSERVER_MASTER_KEY=self.text)
        for words in ("TFSERVER_MASTER_KEY", "tfserver key create", "restart", "--to"):
            self.assertIn(words, error)
        both = f"{self.text},{(other := new_master_key())}"
        self.assertIn(id_of(other), self.refused("rotate", TFSERVER_MASTER_KEY=both))
        done = self.key("rotate", "--to", id_of(other), TFSERVER_MASTER_KEY=both)
        self.assertEqual(done.status, 0, done.err)
        self.assert_opens(Vault(read_master_key(other, "test")))

    def test_one_at_a_time(self) -> None:
        """While one run is at work with a file, another is refused."""
        with KeyFile(self.path).held():
            self.assertIn(str(self.path), self.refused("rotate"))

    def test_damaged(self) -> None:
        """What can't be opened is told, and its old key is not said to be needed no more."""
        self.store.ask(f"HSET tf:user:2 key {self.first}:AAAA")
        done = self.key("rotate")
        self.assertEqual(done.status, 1)
        self.assertIn(f"1 under {self.first}", done.err)
        new = self.ids()[0]
        self.assertEqual((self.under(1), self.under(3)), (new, new))
        self.assertIn("being left", self.refused("forget", self.first))


class Killed(BaseException):
    """As if by kill -9: nobody catches it."""


AFTER_ITS_END = {("done", True)}
"""Nothing is left to be ended there, so the next run is a change of its own."""


def _killed(step: str, late: bool) -> object:
    real = getattr(Rotation, step)

    def ends(rotation: Rotation, *args: object, **more: object) -> None:
        if late:
            real(rotation, *args, **more)
        raise Killed

    return ends


def _killed_writing(calls: int, late: bool) -> object:
    real = KeyFile.replace
    counted: list[int] = []

    def replaced(ring: KeyFile, texts: list[str]) -> None:
        counted.append(1)
        if late or len(counted) < calls:
            real(ring, texts)
        if len(counted) == calls:
            raise Killed

    return replaced


class ListTests(KeyCase):
    """What needs which."""

    def test_listed(self) -> None:
        """Which seals, how much is under each, where it stands, who has it."""
        self.store.ask("SADD tf:owners one/1")
        self.store.ask(f"SET tf:alive:one/1 'keys {self.first}'")
        missing = "aaaaaaaa"
        self.store.ask(f"HSET tf:user:9 key {missing}:AAAA")
        rows = self.key("list", "--json").json
        counts = {"people": 3, "credentials": 3, "webhooks": 0, "orders": 0, "others": 0}
        self.assertEqual(
            rows[0], {"key": self.first, "role": "seals", "here": True, **counts, "processes": ["one/1"]}
        )
        self.assertEqual((rows[1]["key"], rows[1]["here"], rows[1]["others"]), (missing, False, 1))
        self.assertIn("seals", self.key("list").out)

    def test_roles(self) -> None:
        """The next one, those that are left, those that sealed once, and those that only open."""
        other = new_master_key()
        self.path.write_text(f"{self.text}\n{other}\n")
        self.store.ask(
            "HSET tf:meta next_key 11111111 leaving_keys 22222222 retired_keys '33333333 44444444'"
        )
        found = {row["key"]: row["role"] for row in self.key("list", "--json").json}
        told = {"11111111": "is to seal next", "22222222": "is being left", "33333333": "sealed once"}
        self.assertEqual(
            found, {self.first: "seals", **told, "44444444": "sealed once", id_of(other): "opens"}
        )

    def test_nothing(self) -> None:
        """A store that no server used, and no key at hand."""
        self.store.ask("FLUSHALL")
        done = call("key", "list", "--redis", self.store.url)
        self.assertEqual((done.status, done.out), (0, "no master key was ever used with this store\n"))


class ForgetTests(KeyCase):
    """Taking a key away."""

    def test_forgotten(self) -> None:
        """The old key goes from the file when nothing is sealed under it."""
        self.key("rotate")
        done = self.key("forget", self.first)
        self.assertEqual((done.status, done.err), (0, ""))
        self.assertEqual(len(self.ids()), 1)
        self.assertNotIn(self.first, self.store.ask("HGETALL tf:meta"))
        self.assertIn("key forget", self.audit())

    def test_refused(self) -> None:
        """The one that seals, one that something needs, one that is not there: none is taken away."""
        self.assertIn("seals", self.refused("forget", self.first))
        before = self.store.ask("HGET tf:user:2 key").split("\r\n")[1]
        self.key("rotate")
        self.store.ask(f"HSET tf:user:2 key {before}")
        self.assertIn("1 credentials of 1 people", self.refused("forget", self.first))
        self.assertIn("no master key 12345678", self.refused("forget", "12345678"))

    def test_variable(self) -> None:
        """What stands in the environment is taken out by hand."""
        self.key("rotate")
        both = ",".join(KeyFile(self.path).texts)
        self.assertIn("yourself", self.refused("forget", self.first, TFSERVER_MASTER_KEY=both))


class LostTests(KeyCase):
    """Going on without a key."""

    def lose_it(self) -> str:
        """The file has only another key now; its id."""
        self.path.write_text(f"{(other := new_master_key())}\n")
        return id_of(other)

    def test_lost(self) -> None:
        """Once confirmed, what it sealed is forgotten, people stay, another seals, and the audit knows."""
        other = self.lose_it()
        error = self.refused("lost", self.first)
        for words in ("3 credentials of 3 people", f"--confirm {self.first}"):
            self.assertIn(words, error)
        self.assertIn("--confirm", self.refused("lost", self.first, "--confirm", other))
        done = self.key("lost", self.first, "--confirm", self.first)
        self.assertEqual((done.status, done.err), (0, ""))
        self.assertIn(other, done.out)
        self.assertEqual(self.store.ask("HKEYS tf:user:1"), "*1\r\n$4\r\np:T1\r\n")
        self.assertIn(other, self.store.ask("HGET tf:meta master_key"))
        self.assertIn("key lost", self.audit())

    def test_not_lost(self) -> None:
        """One that is here, one that a server still has, and one that was never used are not lost."""
        self.assertIn("not lost: it stands in", self.refused("lost", self.first, "--confirm", self.first))
        self.lose_it()
        self.assertIn("nothing was ever", self.refused("lost", "12345678", "--confirm", "12345678"))
        self.store.ask("SADD tf:owners one/1")
        for beat in ("1", f"keys {self.first}"):
            self.store.ask(f"SET tf:alive:one/1 '{beat}'")
            self.assertIn("one/1", self.refused("lost", self.first, "--confirm", self.first))
        self.assertIn("c:0:T1", self.store.ask("HKEYS tf:user:1"))

    def test_broken_off(self) -> None:
        """A run that was broken off is gone on with by the next."""
        self.lose_it()
        with mock.patch.object(Rotation, "_lose_orders", side_effect=Killed):
            self.assertRaises(Killed, self.key, "lost", self.first, "--confirm", self.first)
        self.assertEqual(self.key("lost", self.first, "--confirm", self.first).status, 0)
        self.assertEqual(self.store.ask("HKEYS tf:user:3"), "*1\r\n$4\r\np:T1\r\n")

    def test_no_key_at_all(self) -> None:
        """Without any key it says how to make one."""
        done = call("key", "lost", self.first, "--redis", self.store.url)
        self.assertEqual((done.status, done.out), (1, ""))
        self.assertIn("tfserver key create", done.err)


class PatienceTests(KeyCase):
    """What happens while it waits."""

    def test_learned_late(self) -> None:
        """A server that says so only after a while is waited for."""
        self.store.ask("SADD tf:owners one/1")
        self.store.ask(f"SET tf:alive:one/1 'keys {self.first}'")
        asked = threading.Event()
        real = Rotation.wake

        def wake(rotation: Rotation) -> None:
            asked.set()
            real(rotation)

        def learn() -> None:
            asked.wait(10)
            self.store.ask(f"SET tf:alive:one/1 'keys {self.first} {self.ids()[-1]}'")

        late = threading.Thread(target=learn)
        late.start()
        with mock.patch.object(Rotation, "wake", wake), mock.patch.object(rotating, "POLL_SECONDS", 0.01):
            self.assertEqual(self.key("rotate").status, 0)
        late.join()

    def test_wakes_everybody(self) -> None:
        """All processes are woken by a word on the channel that all listen to."""
        with Blocking(Address("unix", path=self.store.socket)) as listening:
            listening.ask("SUBSCRIBE", "tf:wake")
            self.key("rotate")
            self.assertEqual(listening._answer(), [b"message", b"tf:wake", b"keys"])
