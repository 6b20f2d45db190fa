"""The master key is changed while processes take people and orders, with one paused, or the change killed."""

from __future__ import annotations

import json
import signal
import threading
from pathlib import Path
from typing import Any

from tests.real.client import RealClient, log
from tests.real.hooks import SETTINGS, HookScene
from tests.real.keyed import FiledServer, begun, done, opened
from tests.real.placed import PlacedServer
from tests.real.release import PreviousServer, forget
from tests.real.scene import DAY, OPEN, Scene
from tests.real.server import KEY
from tests.real.store import SECONDS, wait_until
from tfserver.store.address import Address
from tfserver.store.blocking import Blocking
from tfserver.store.vault import Vault, key_id_of, read_master_key

KEY_ID = key_id_of(read_master_key(KEY, "test"))
MANY = 10_000


class Pusher:
    """A terminal that pushes one new person after another, and remembers whom it may forget."""

    def __init__(self, client: RealClient, first: int) -> None:
        self.client = client
        self.acked: dict[int, str] = {}
        self._first = first
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._push)
        self._thread.start()

    def _push(self) -> None:
        number = self._first
        while not self._over.is_set():
            record = f"c51b{number:08d}"
            if self.client.ask(cmd="senduser", enrollid=number, backupnum=0, record=record)["result"]:
                self.acked[number] = record
            number += 1

    def stop(self) -> dict[int, str]:
        """Whom it pushed."""
        self._over.set()
        self._thread.join(SECONDS)
        return self.acked


class Keyed(HookScene):
    """Processes whose master key stands in one file."""

    names: tuple[str, ...] = ("one",)

    def setUp(self) -> None:
        super().setUp()
        self.keys = self.file("master.key", f"{KEY}\n")
        self.more = f"vault: {{key_file: {self.keys}}}\n"
        starting = [self.meanwhile(self.filed, name) for name in self.names]
        self.one, *others = (each.result() for each in starting)
        self.two = others[0] if others else self.one
        self.where = ("--redis", self.redis.url, "--key-file", self.keys)

    def filed(self, name: str) -> PlacedServer:
        """A running process."""
        text = SETTINGS.format(archive=self.archive, archive_more=self.archive_more) + self.more
        options = ("-c", self.file("settings.yaml", text), "--instance", name)
        server = FiledServer(*options, store=self.redis)
        self.addCleanup(server.remove)
        return server.start()

    def terminal(self, server: PlacedServer, sn: str) -> RealClient:
        """One that answers what servers ask by themselves."""
        return self.quiet(server, sn)

    def seals(self) -> str:
        """The id of the key that seals."""
        return self.redis.ask("HGET tf:meta master_key").split("\r\n")[1]

    def counts(self) -> dict[str, int]:
        """How much is sealed under each key that anything is sealed under."""
        kinds = ("people", "webhooks", "orders", "others")
        rows = json.loads(done("key", "list", "--json", *self.where))
        return {row["key"]: found for row in rows if (found := sum(row[kind] for kind in kinds))}

    def bring(self, server: PlacedServer, sn: str, number: int) -> str:
        """An order that brings somebody's password, still to be done; its id."""
        wanted = {"enrollid": number, "name": "Ines", "backupnum": 10, "admin": 0, "record": f"{number}"}
        status, body = self.order(server, sn, "setuserinfo", 0, **wanted)
        self.assertEqual(status, 202, body)
        return str(body["id"])


class TwoTests(Keyed):
    """Two processes: nothing is lost, and the old key is needed no more."""

    names = ("one", "two")

    def test_while_running(self) -> None:
        """People who are pushed and orders that wait during the change are whole, with the new key alone."""
        receiver = self.receiver()
        self.hook(self.one, receiver, kinds=["punch"])
        gone = self.terminal(self.one, "LATER")
        gone.shut()
        early = [self.bring(self.one, "LATER", number) for number in range(1, 6)]
        pushers = [Pusher(self.terminal(self.one, "A"), 1000), Pusher(self.terminal(self.two, "B"), 500_000)]
        wait_until(lambda: all(len(pusher.acked) > 50 for pusher in pushers), "people are pushed")
        self.assertIn("tfserver key forget", done("key", "rotate", *self.where))
        after = [len(pusher.acked) for pusher in pushers]
        wait_until(
            lambda: all(len(p.acked) > n + 50 for p, n in zip(pushers, after, strict=True)), "and after it"
        )
        acked = {number: text for pusher in pushers for number, text in pusher.stop().items()}
        late = [self.bring(self.two, "LATER", number) for number in range(6, 9)]
        done("key", "forget", KEY_ID, *self.where)
        self.assertEqual(set(self.counts()), {self.seals()})
        self.assertEqual(Path(self.keys).read_text().count("\n"), 1)
        self.one.stop()
        self.two.stop()
        self.one.start()
        found = opened(self.redis, self.keys)
        self.assertEqual({number: found.get((number, 0, "AB"[number > 9999])) for number in acked}, acked)
        self.assert_brought([*early, *late])
        self.assert_signed(receiver)

    def assert_brought(self, ids: list[str]) -> None:
        """Each order brings what it was given to bring."""
        client = self.terminal(self.one, "LATER")
        brought = [client.obey("setuserinfo")["record"] for _ in ids]
        self.assertEqual(sorted(map(str, brought)), [str(number) for number in range(1, len(ids) + 1)])
        self.assertEqual({self.ended(self.one, order_id)["state"] for order_id in ids}, {"done"})

    def assert_signed(self, receiver: Any) -> None:
        """A webhook from before signs with the secret it always had."""
        client = self.terminal(self.one, "PUNCHES")
        self.assertTrue(client.ask(cmd="sendlog", count=1, record=[log(1, f"{DAY} 08:00:00")])["result"])
        wait_until(lambda: any(heard.punches for heard in receiver.heard), "the punch is delivered")
        self.assertTrue(all(heard.is_signed for heard in receiver.heard))

    def test_paused_process(self) -> None:
        """A process that stood still all the while takes people and orders with the new key when it wakes."""
        old = self.terminal(self.two, "PAUSED")
        self.assertTrue(old.ask(cmd="senduser", enrollid=1, backupnum=0, record="c51b01")["result"])
        self.two.signal(signal.SIGSTOP)
        self.addCleanup(self.two.signal, signal.SIGCONT)
        # its lease runs out, only sooner than it would
        [owner] = [
            one for one in self.redis.ask("SMEMBERS tf:owners").split("\r\n") if one.startswith("two/")
        ]
        self.redis.ask(f"DEL tf:alive:{owner}")
        done("key", "rotate", *self.where)
        self.two.signal(signal.SIGCONT)
        old.shut()
        client = self.terminal(self.two, "AWAKE")
        for number in (1, 2):
            self.assertTrue(
                client.ask(cmd="senduser", enrollid=number, backupnum=0, record=f"c51b0{number}")["result"]
            )
        self.assertEqual(set(self.counts()), {self.seals()})
        done("key", "forget", KEY_ID, *self.where)
        found = opened(self.redis, self.keys)
        self.assertEqual([found[number, 0, "AWAKE"] for number in (1, 2)], ["c51b01", "c51b02"])
        self.assertEqual(found[1, 0, "PAUSED"], "c51b01")


class OneTests(Keyed):
    """One process, and what may happen beside it."""

    @classmethod
    def tearDownClass(cls) -> None:
        """The previous release is not needed any more."""
        forget()

    def test_killed(self) -> None:
        """Killed in the middle of sealing anew, all opens, and a second run ends it; no push is lost."""
        self.fill()
        pusher = Pusher(self.terminal(self.one, "A"), 1_000_000)
        running = begun("key", "rotate", *self.where)
        wait_until(lambda: self.seals() != KEY_ID, "the new key seals")
        running.send_signal(signal.SIGKILL)
        running.communicate()
        self.assertGreater(self.counts().get(KEY_ID, 0), 0, "it was killed in the middle")
        error = done("key", "forget", KEY_ID, *self.where, status=1)
        self.assertIn("being left", error)
        wait_until(lambda: len(pusher.acked) > 20, "people are pushed")
        acked = pusher.stop()
        self.assertEqual(len(opened(self.redis, self.keys)), MANY + len(acked))
        done("key", "rotate", *self.where)
        self.assertEqual(set(self.counts()), {self.seals()})
        done("key", "forget", KEY_ID, *self.where)
        found = opened(self.redis, self.keys)
        self.assertEqual(len(found), MANY + len(acked))
        self.assertEqual(found[77, 0, "T"], "credential 77")

    def fill(self) -> None:
        """Many people, put there at once."""
        vault = Vault(read_master_key(KEY, "test"))
        with Blocking(Address("unix", path=self.redis.socket)) as store:
            for start in range(0, MANY, 1000):
                commands = []
                for number in range(start, start + 1000):
                    wrapped = vault.new_data_key(number)
                    sealed = vault.seal(wrapped, number, 0, f"credential {number}")
                    told = {"sealed": sealed, "origin": ORIGIN}
                    commands.append(("HSET", f"tf:user:{number}", "key", wrapped, "c:0:T", json.dumps(told)))
                store.ask_all(commands)

    def test_beside_the_previous_release(self) -> None:
        """A server of the previous release works beside while nothing is changed, and stops the change."""
        previous = PreviousServer(*OPEN, store=self.redis)
        self.addCleanup(previous.remove)
        previous.start()
        for server, sn in ((previous, "OLD"), (self.one, "NEW")):
            client = self.terminal(server, sn)
            self.assertTrue(client.ask(cmd="senduser", enrollid=1, backupnum=0, record=f"c51b{sn}")["result"])
        self.assertIn("nothing was changed", done("key", "rotate", "--wait", "1", *self.where, status=4))
        self.assertEqual(self.seals(), KEY_ID)
        found = opened(self.redis, self.keys)
        self.assertEqual((found[1, 0, "OLD"], found[1, 0, "NEW"]), ("c51bOLD", "c51bNEW"))
        previous.stop()
        done("key", "rotate", *self.where)
        self.assertNotEqual(self.seals(), KEY_ID)
        self.assertEqual(opened(self.redis, self.keys), found)


class LostTests(Keyed):
    """Without the key."""

    def test_lost(self) -> None:
        """The start says what is missing; after it was given up, terminals' people come again."""
        client = self.terminal(self.one, "A")
        for number in (1, 2, 3):
            self.assertTrue(client.ask(cmd="senduser", enrollid=number, backupnum=0, record="c51b")["result"])
        self.one.stop()
        Path(self.keys).write_text(done("key", "create"))
        process = self.one.spawn()
        self.assertNotEqual(process.wait(SECONDS), 0)
        for words in (KEY_ID, "3 credentials of 3 people", f"tfserver key lost {KEY_ID}"):
            self.assertIn(words, self.one.said())
        done("key", "lost", KEY_ID, *self.where, status=1)
        done("key", "lost", KEY_ID, "--confirm", KEY_ID, *self.where)
        self.one.start()
        self.assertEqual(opened(self.redis, self.keys), {})
        client = self.terminal(self.one, "A")
        self.assertTrue(client.ask(cmd="senduser", enrollid=2, backupnum=0, record="c51c")["result"])
        self.assertEqual(opened(self.redis, self.keys), {(2, 0, "A"): "c51c"})
        audit = self.one.get("/audit")[1]
        self.assertIn("key lost", json.dumps(audit))


class OwnStore(Scene):
    """A server with a store and a key of its own."""

    def test_in_the_data_folder(self) -> None:
        """The key in the data folder is changed while the server runs, and again while it does not."""
        server = FiledServer(*OPEN)
        self.addCleanup(server.remove)
        server.start()
        folder = Path(server.folder, "tfserver-data")
        client = self.quiet(server, "A")
        for n in range(2):
            self.assertTrue(client.ask(cmd="senduser", enrollid=n, backupnum=0, record=f"c51b{n}")["result"])
            done("key", "rotate", "--data-dir", str(folder))
        server.stop()
        done("key", "rotate", "--data-dir", str(folder))
        path = folder / "master.key"
        self.assertEqual(path.stat().st_mode & 0o777, 0o600)
        path.write_text(path.read_text().split("\n")[0] + "\n")
        server.start()
        found = opened(server.embedded(), str(path))
        self.assertEqual(found, {(0, 0, "A"): "c51b0", (1, 0, "A"): "c51b1"})


ORIGIN = {"model": "", "firmware": "", "fpalgo": "", "received": "2026-04-02T08:00:00Z"}
