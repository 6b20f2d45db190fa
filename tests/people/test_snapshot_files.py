"""Snapshots as files: whole or refused, for this server or for any, and never open."""

from __future__ import annotations

from typing import Any

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tests.people.copied_worlds import CARD, FINGER, A, B, World, at_once
from tests.real.store import RealStore
from tests.store.people.directly import done
from tfserver.people.packing import Incoming
from tfserver.simulator.dialects import DOCUMENTED
from tfserver.store.people import snapshot_file as file
from tfserver.store.people.snapshot_file import FileError, First, Last, Sealer
from tfserver.store.people.snapshots import MOST_MISSING, Snapshot, Taken
from tfserver.store.vault import Vault

WORDS = "correct horse battery"
TEMPLATE = "c51b(12)07aa"
AT = "2026-04-02T08:00:00.000Z"


class FileTests(SynchronousTestCase):
    """A snapshot of two people on its way out and back."""

    def setUp(self) -> None:
        store = RealStore()
        self.addCleanup(store.remove)
        self.world = World(store.start())
        self.addCleanup(self.world.client.close)
        box = self.world.add(A, DOCUMENTED)
        box.give(7, FINGER, TEMPLATE, "Ines M")
        box.give(7, CARD, 3120457781, "Ines M")
        box.give(8, CARD, 99, "Tarik")
        box.memory.settings["volume"] = 3
        self.taken = self.world.take(A)
        self.clock = Clock()

    def file_of(self, passphrase: str) -> bytes:
        """The snapshot as a file."""
        outgoing = self.world.desk.outgoing(self.taken, passphrase)
        done(outgoing.open(""))
        found = b""
        while (chunk := done(outgoing.next())) is not None:
            found += chunk
        return found

    def upload(self, data: bytes, passphrase: str) -> Snapshot:
        """It again, read to its end."""
        incoming: Any = Incoming(self.clock, self.world.stores, self.world.vault, at_once)
        made = done(incoming.begin(data, passphrase, "admin", AT))
        for _ in range(10):
            self.clock.advance(0.01)
        return self.world.snapshot(made.id)

    def test_passphrase(self) -> None:
        """What went out by a passphrase comes back whole, also where nobody is known."""
        data = self.file_of(WORDS)
        self.world.client.call("FLUSHDB")
        self.world.vault = Vault(bytes(32))
        self.world = World(self.world.client.store)
        found = self.upload(data, WORDS)
        self.assertEqual((found.state, found.source, found.people), ("done", "file", 2))
        self.assertEqual((found.sn, found.model, found.actor), (A, "th900", "admin"))
        people = self.world.copied(found.id)
        self.assertEqual(people[7], ("Ines M", 0, {FINGER: TEMPLATE, CARD: "3120457781"}))
        answer = done(self.world.stores.snapshots.answer(found.id, "getdevinfo"))
        self.assertEqual(answer["volume"], 3)

    def test_made_stays(self) -> None:
        """Where a template was made comes along: without that it would fit nowhere."""
        found = self.upload(self.file_of(WORDS), WORDS)
        parts = done(self.world.stores.snapshots.parts(found.id, 7, [FINGER]))
        self.assertEqual((parts[FINGER].made.fpalgo, parts[FINGER].made.sn), ("thbio3.0", A))

    def test_master(self) -> None:
        """Without a passphrase this server opens it, and no other."""
        data = self.file_of("")
        found = self.upload(data, "")
        self.assertEqual((found.state, found.people), ("done", 2))
        self.assertEqual(self.world.copied(found.id)[8], ("Tarik", 0, {CARD: "99"}))
        self.world.vault = Vault(bytes(32))
        with self.assertRaisesRegex(FileError, "master key"):
            self.upload(data, "")

    def test_erased_in_files(self) -> None:
        """In a file for this server a person is erased with its data key; in both nobody comes back who is
        being erased."""
        sealed, opened = self.file_of(""), self.file_of(WORDS)
        self.world.client.call("DEL", self.world.client.keys.user(7))
        found = self.upload(sealed, "")
        self.assertEqual(list(self.world.copied(found.id)), [8])
        self.world.client.call("HSET", self.world.client.keys.erased, 8, "e1")
        found = self.upload(opened, WORDS)
        self.assertEqual(list(self.world.copied(found.id)), [7])
        self.assertIn("8", found.missing)

    def test_much_missing(self) -> None:
        """However much a file says is missing, no more of it is kept than is told."""
        header, salt = file.passphrase_header()
        sealer = Sealer(header, file.key_of(WORDS, salt))
        missing = {f"{n}": "it is busy" for n in range(MOST_MISSING + 50)}
        first = First(Taken(id="s1", sn=A, actor="o", made=AT), {}, missing)
        data = sealer.line + sealer.chunk(first) + sealer.chunk(Last())
        found = self.upload(data, WORDS)
        names = self.world.client.call("HKEYS", self.world.client.keys.snapshot(found.id))
        self.assertEqual(sum(name.startswith("m:") for name in names), MOST_MISSING)
        self.assertEqual(found.state, "done")

    def test_nothing_open(self) -> None:
        """No name, number, template or setting stands in a file."""
        for data in (self.file_of(WORDS), self.file_of("")):
            for private in (b"Ines", b"Tarik", b"3120457781", TEMPLATE.encode(), b"volume", A.encode()):
                self.assertNotIn(private, data)

    def test_wrong_passphrase(self) -> None:
        """Another passphrase opens nothing, and nothing is kept."""
        data = self.file_of(WORDS)
        for other in ("", "another passphrase"):
            with self.assertRaisesRegex(FileError, "passphrase"):
                self.upload(data, other)
        self.assertEqual(len(done(self.world.desk.listing(A, 10, ""))[0]), 1)

    def test_damaged(self) -> None:
        """A file that was cut, changed, or put together otherwise never counts as whole."""
        data = self.file_of(WORDS)
        cut = [data[:-1], data[:-40], data[: len(data) // 2], data + b"x"]
        places = range(data.index(b"\n") + 1, len(data), 31)
        for place, changed in enumerate([*cut, *(_changed(data, place) for place in places)]):
            try:
                self.assertEqual(self.upload(changed, WORDS).state, "failed", place)
            except FileError:
                continue

    def test_end_stays_the_end(self) -> None:
        """Nobody makes a person the last, and so the file shorter."""
        data = self.file_of(WORDS)
        first = data.index(b"\n") + 1
        second = first + 5 + int.from_bytes(data[first + 1 : first + 5], "big")
        third = second + 5 + int.from_bytes(data[second + 1 : second + 5], "big")
        shortened = data[:second] + b"\x01" + data[second + 1 : third]
        self.assertEqual(self.upload(shortened, WORDS).state, "failed")

    def test_no_snapshot(self) -> None:
        """What is no snapshot at all is refused at once."""
        for data in (b"", b"x", b"\n", b'{"format":"tfserver backup"}\n', b"\xff\n", b"{" * 9000):
            with self.assertRaises(FileError):
                self.upload(data, WORDS)

    def test_restored(self) -> None:
        """What came back from a file is given to a terminal like any other."""
        found = self.upload(self.file_of(WORDS), WORDS)
        other = self.world.add(B, DOCUMENTED)
        what: Any = ("people",)
        report = self.world.restored(done(self.world.desk.restore(B, found.id, what, "admin")))
        self.assertEqual((report.state, report.refused), ("done", 0))
        self.assertEqual(other.people()[7][2], {FINGER: TEMPLATE, CARD: "3120457781"})

    def test_broken_off(self) -> None:
        """An upload whose process died ends with words, and is never given to anybody."""
        incoming: Any = Incoming(self.clock, self.world.stores, self.world.vault, at_once)
        made = done(incoming.begin(self.file_of(WORDS), WORDS, "admin", AT))
        self.world.client.call("HSET", self.world.client.keys.snapshot(made.id), "state", "open")
        done(self.world.taking.do(made.id))
        found = self.world.snapshot(made.id)
        self.assertEqual(found.state, "failed")
        self.assertIn("upload it again", found.stage)


def _changed(data: bytes, place: int) -> bytes:
    return data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]
