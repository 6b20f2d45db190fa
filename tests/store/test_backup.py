"""Backups: everything there and back, nothing half, nothing to the wrong place."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from unittest import mock

import msgspec

from tests.real.store import RealStore
from tests.store.connected import StoreCase
from tfserver.errors import StartError, StoreError
from tfserver.store import address
from tfserver.store.backup import file as backup_file
from tfserver.store.backup import keys as backup
from tfserver.store.backup.file import BackupError, Header, Tell, verify, walk, write
from tfserver.store.blocking import Blocking

TIME = "2026-04-02T08:00:00.000Z"
BINARY = bytes(range(256)) * 40
OF_PROCESSES = ("tf:alive:one/1", "tf:lost:one/1", "tf:due:one/1")


def quiet(done: int, total: int | None) -> None:
    """Nobody looks."""


def save(store: Blocking, prefix: str, path: str, tell: Tell = quiet) -> Header:
    """Write all keys under a prefix to a path."""
    header = backup.described(store, prefix, TIME)
    return write(path, header, backup.entries(store, prefix), tell, int(store.ask("DBSIZE")))


class BackupCase(StoreCase):
    """A store with something of every kind in it."""

    def setUp(self) -> None:
        super().setUp()
        self.path = os.path.abspath(self.mktemp())
        self.source = self.open(self.store)
        self.fill()

    def open(self, store: RealStore) -> Blocking:
        """A blocking connection that is closed at the end."""
        connection = Blocking(address.parse(store.url))
        self.addCleanup(connection.close)
        return connection

    def fill(self) -> None:
        """Keys of every kind, some that live for a while, some of running processes, some of others."""
        ask = self.source.ask
        ask("HSET", "tf:meta", "schema", "1", "reader", "1", "master_key", "ab12cd34")
        ask("SET", "tf:image:x", BINARY, "EX", 1000)
        ask("SADD", "tf:known:A:20260402", *(str(number) for number in range(-500, 500)))
        ask("ZADD", "tf:terminals", 0, "A", 0, "B")
        ask("XADD", "tf:punches", "5-1", "v", "1", "p", "{}")
        ask("HSET", "tf:terminal:A", "sn", "a", "admission", "approved", "conn", "c1", "owner", "one/1")
        for number in range(300):
            ask("SET", f"tf:user:{number}", str(number))
        for name in OF_PROCESSES[1:]:
            ask("SADD", name, "A")
        ask("SET", "other:x", "y")

    keys = staticmethod(backup._keys)

    def save(self, prefix: str = "tf:") -> Header:
        """Write a backup to ``self.path``."""
        return save(self.source, prefix, self.path)

    def bring(self, target: Blocking, prefix: str = "tf:") -> int:
        """Restore from there."""
        with open(self.path, "rb") as file:
            header = verify(file)
            return backup.restore(target, prefix, walk(file, header), header, quiet)

    def contents(self, store: Blocking, prefix: str = "tf:") -> dict[bytes, Any]:
        """Every key without its prefix, and its value as the store dumps it."""
        keys = store.ask("KEYS", f"{prefix}*")
        return {key.removeprefix(prefix.encode()): store.ask("DUMP", key) for key in keys}


class RoundTripTests(BackupCase):
    """There and back."""

    def test_everything(self) -> None:
        """Every key comes back as it was, with its life; what belongs to processes and others does not."""
        header = self.save()
        self.assertEqual((header.count, header.master_key, header.time), (306, "ab12cd34", TIME))
        target = self.open(self.new_store())
        self.assertEqual(self.bring(target), 306)
        self.source.ask("HDEL", "tf:terminal:A", "conn", "owner")
        self.source.ask("DEL", *OF_PROCESSES)
        self.assertEqual(self.contents(target), self.contents(self.source))
        self.assertEqual(target.ask("GET", "tf:image:x"), BINARY)
        self.assertTrue(900_000 < target.ask("PTTL", "tf:image:x") <= 1_000_000)
        self.assertEqual(target.ask("PTTL", "tf:user:1"), -1)
        self.assertEqual(target.ask("EXISTS", "other:x"), 0)

    def test_feed_is_last(self) -> None:
        """A punch that comes while the backup is made is in the feed if it is in the set of known ones."""

        def meanwhile(store: Blocking, prefix: bytes) -> Iterator[list[bytes]]:
            """All keys; behind the first few another punch comes."""
            yield from self.keys(store, prefix)
            self.source.ask("SADD", "tf:known:A:20260402", "777")
            self.source.ask("XADD", "tf:punches", "6-1", "v", "1", "p", "{}")
            yield [b"tf:known:A:20260402"]

        with mock.patch.object(backup, "_keys", meanwhile):
            self.save()
        target = self.open(self.new_store())
        self.bring(target)
        self.assertEqual(target.ask("SISMEMBER", "tf:known:A:20260402", "777"), 1)
        self.assertEqual(target.ask("XLEN", "tf:punches"), 2)

    def test_people_meanwhile(self) -> None:
        """Of an erasure that is in the backup the person is gone there too, and the lists of people lack
        nobody who was made while it was written. What has almost such a name is not forgotten."""

        def meanwhile(store: Blocking, prefix: bytes) -> Iterator[list[bytes]]:
            """All keys, and behind them somebody is erased, and somebody else is made."""
            yield from self.keys(store, prefix)
            ask("HSET", "tf:erased", "1", "e2")
            ask("ZADD", "tf:erasures", 2, "e2")
            ask("HSET", "tf:erasure:e2", "e", "{}")
            ask("SET", "tf:user:900", "Zoe")
            for name in ("tf:people", "tf:names", "tf:members:staff"):
                ask("ZADD", name, 0, "900")
            yield [b"tf:user:900"]

        ask = self.source.ask
        ask("HSET", "tf:erased", "0", "e1")
        ask("ZADD", "tf:erasures", 1, "e1")
        ask("HSET", "tf:erasure:e1", "e", "{}")
        ask("HSET", "tf:quarantine-shares", "A", 1)
        for name in ("tf:people", "tf:names", "tf:members:staff"):
            ask("ZADD", name, 0, "1")
        with mock.patch.object(backup, "_keys", meanwhile):
            self.save()
        target = self.open(self.new_store())
        self.bring(target)
        self.assertEqual(target.ask("HKEYS", "tf:erased"), [b"0"])
        self.assertEqual(target.ask("ZRANGE", "tf:erasures", 0, -1), [b"e1"])
        self.assertEqual(target.ask("EXISTS", "tf:erasure:e1", "tf:erasure:e2", "tf:quarantine-shares"), 2)
        for name in ("tf:people", "tf:names", "tf:members:staff"):
            self.assertEqual(target.ask("ZRANGE", name, 0, -1), [b"1", b"900"])

    def test_trimmed_meanwhile(self) -> None:
        """What leaves the stream while the backup is made is marked as such in the backup."""

        def meanwhile(store: Blocking, prefix: bytes) -> Iterator[list[bytes]]:
            """All keys; behind them the stream is trimmed."""
            yield from self.keys(store, prefix)
            self.source.ask("HSET", "tf:archived", "trimmed", "5-2")
            self.source.ask("XTRIM", "tf:punches", "MINID", "5-2")

        self.source.ask("HSET", "tf:archived", "trimmed", "4-0")
        with mock.patch.object(backup, "_keys", meanwhile):
            self.save()
        target = self.open(self.new_store())
        self.bring(target)
        self.assertEqual(target.ask("XLEN", "tf:punches"), 0)
        self.assertEqual(target.ask("HGET", "tf:archived", "trimmed"), b"5-2")

    def test_turns(self) -> None:
        """Nobody has a turn in what was restored: who had it is gone."""
        for name in ("tf:archived", "tf:webhook:ab"):
            self.source.ask("HSET", name, "holder", "one", "until", "9999999999999", "place", "1-0")
        self.save()
        target = self.open(self.new_store())
        self.bring(target)
        for name in ("tf:archived", "tf:webhook:ab"):
            self.assertEqual(target.ask("HGETALL", name), [b"place", b"1-0"])

    def test_archive_is_ahead(self) -> None:
        """What the archive got behind the stream is read there, and what comes next comes behind it."""
        header = self.save()
        for place, marked, following in (("5-1", None, "5-2"), ("7-3", b"7-4", "7-4")):
            target = self.open(self.new_store())
            restoring = backup.Restoring(target, "tf:", header)
            restoring.begin()
            with open(self.path, "rb") as file:
                for entry in walk(file, header):
                    restoring.add(entry)
            restoring.follow(place)
            restoring.finish()
            self.assertEqual(target.ask("HGET", "tf:archived", "trimmed"), marked)
            self.assertEqual(target.ask("XLEN", "tf:punches"), 1)
            self.assertEqual(target.ask("XADD", "tf:punches", following, "p", ""), following.encode())

    def test_private(self) -> None:
        """Only its owner may read the file; nothing else is left beside it."""
        before = set(os.listdir(os.path.dirname(self.path)))
        self.save()
        self.assertEqual(os.stat(self.path).st_mode & 0o777, 0o600)
        self.assertEqual(set(os.listdir(os.path.dirname(self.path))) - before, {os.path.basename(self.path)})

    def test_documented_format(self) -> None:
        """A line of JSON, entries with their lengths in front, SHA-256 of all before at the end."""
        self.save()
        content = Path(self.path).read_bytes()
        line, _, rest = content.partition(b"\n")
        header = msgspec.json.decode(line)
        self.assertEqual(
            (header["format"], header["version"], header["prefix"]), ("tfserver backup", 2, "tf:")
        )
        self.assertEqual(hashlib.sha256(content[:-32]).digest(), content[-32:])
        names = []
        while len(rest) > 32:
            length, size = int.from_bytes(rest[1:5], "big"), int.from_bytes(rest[13:21], "big")
            self.assertEqual(rest[:1], b"k")
            names.append(rest[21 : 21 + length])
            rest = rest[21 + length + size :]
        self.assertEqual((len(names), len(rest)), (header["count"], 32))
        self.assertIn(b"image:x", names)

    def test_other_prefix(self) -> None:
        """A backup may come back under another prefix."""
        self.save()
        target = self.open(self.new_store())
        self.bring(target, "new:")
        self.assertEqual(target.ask("GET", "new:user:7"), b"7")
        self.assertEqual(target.ask("KEYS", "tf:*"), [])

    def test_in_the_place_of(self) -> None:
        """What stood under the prefix is gone afterwards; what others keep is not."""
        self.save()
        other = self.open(self.new_store())
        for number in range(300):
            other.ask("SET", f"tf:old:{number}", "x")
        other.ask("SET", "other:x", "mine")
        self.bring(other)
        self.assertEqual(other.ask("KEYS", "tf:old:*"), [])
        self.assertEqual(other.ask("GET", "other:x"), b"mine")

    def test_moving_keys(self) -> None:
        """A key that is told twice, or is gone when it is its turn, does no harm."""
        keys = [[b"tf:user:1", b"tf:gone", b"tf:meta"], [b"tf:user:1"]]
        with mock.patch.object(backup, "_keys", lambda store, prefix: iter(keys)):
            self.assertEqual(self.save().count, 4)
        target = self.open(self.new_store())
        self.bring(target)
        self.assertEqual(set(self.contents(target)), {b"user:1", b"meta", b"punches"})

    def test_progress(self) -> None:
        """It is told how far it is."""
        told: list[tuple[int, int | None]] = []
        save(self.source, "tf:", self.path, lambda done, total: told.append((done, total)))
        self.assertEqual(told[-1], (306, self.source.ask("DBSIZE")))


class NothingHalfTests(BackupCase):
    """Whole or not at all."""

    def test_broken_save(self) -> None:
        """A backup that fails leaves the older file and nothing else."""
        Path(self.path).write_text("older")
        before = os.listdir(os.path.dirname(self.path))
        with mock.patch.object(backup_file, "_digest", side_effect=StoreError("gone")):
            self.assertRaises(StoreError, self.save)
        self.assertEqual(Path(self.path).read_text(), "older")
        self.assertEqual(os.listdir(os.path.dirname(self.path)), before)

    def test_no_place(self) -> None:
        """A folder that is not there is told with the path."""
        self.path = os.path.join(self.path, "x.backup")
        self.assertIn(self.path, str(self.assertRaises(BackupError, self.save)))

    async def test_unfinished(self) -> None:
        """No server starts on half a restore, and none can be backed up; done again it is whole."""
        self.save()
        new = self.new_store()
        target = self.open(new)
        whole = target.ask_all

        def broken(commands: Sequence[tuple[Any, ...]]) -> list[Any]:
            """The last write is not made any more."""
            if any(command[:2] == ("RESTORE", b"tf:meta") for command in commands):
                raise StoreError("gone")
            return whole(commands)

        with mock.patch.object(target, "ask_all", broken):
            wrong = self.assertRaises(BackupError, self.bring, target)
        self.assertIn("half restored", str(wrong))
        self.assertTrue(target.ask("EXISTS", "tf:user:1"))
        said = await self.fails(self.new_client(new.url).start(), StartError)
        self.assertIn("a restore into this store did not end", said)
        wrong = self.assertRaises(BackupError, save, target, "tf:", self.path)
        self.assertIn("not finished", str(wrong))
        self.bring(target)
        client = await self.connect(new.url)
        self.assertEqual(await client.read("GET", "tf:user:7"), "7")

    def test_damaged(self) -> None:
        """A file that is cut, changed anywhere or longer is refused, and one that is no backup."""
        self.save()
        whole = Path(self.path).read_bytes()
        places = (*range(0, len(whole), 997), len(whole) - 33, len(whole) - 1)
        wrong = [whole[:place] for place in places]
        wrong += [whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :] for place in places]
        wrong += [whole + b"x", b"", b"\n", b"{}\n" + bytes(40), b"\xff" * 10_000]
        for content in wrong:
            self.assertRaises(BackupError, self.verified, content)
        self.verified(whole)

    def test_made_up(self) -> None:
        """A digest that fits does not make entries right that are not."""
        self.save()
        whole = Path(self.path).read_bytes()[:-32]
        line, _, entries = whole.partition(b"\n")
        count = line.replace(b'"count":306', b'"count":307')
        for content in (whole + b"x", count + b"\n" + entries, line + b"\n" + b"\xff" * 21 + entries):
            digest = hashlib.sha256(content).digest()
            self.assertIn("damaged", str(self.assertRaises(BackupError, self.verified, content + digest)))

    def test_other_versions(self) -> None:
        """Another format is refused by its number."""
        self.save()
        whole = Path(self.path).read_bytes()
        newer = whole.replace(b'"version":2', b'"version":3', 1)
        self.assertIn("format 3", str(self.assertRaises(BackupError, self.verified, newer)))

    def verified(self, content: bytes) -> Header:
        """A file with this content, looked at."""
        path = os.path.abspath(self.mktemp())
        Path(path).write_bytes(content)
        with open(path, "rb") as file:
            return verify(file)


class RefusalTests(BackupCase):
    """Where a backup must not come from, or go."""

    def refused(self, *key_ids: str, **changed: Any) -> str:
        """Why this header is refused by the store."""
        header = msgspec.structs.replace(self.save(), **changed)
        return str(self.assertRaises(BackupError, backup.refuse, self.source, "tf:", header, key_ids))

    def test_fits(self) -> None:
        """A store with the same master key, and no running server, takes it."""
        backup.refuse(self.source, "tf:", self.save(), ["ab12cd34"])
        backup.refuse(self.source, "tf:", self.save(), ["00000000", "ab12cd34"])
        backup.refuse(self.source, "tf:", self.save(), [])

    def test_running(self) -> None:
        """A running server is named."""
        self.source.ask("SET", OF_PROCESSES[0], "1")
        self.assertIn("one/1", self.refused())

    def test_master_key(self) -> None:
        """Another master key, in the store or given, is refused with both ids."""
        self.assertIn("ab12cd34, and the one given here is 00000000", self.refused("00000000"))
        self.assertIn("11111111, and the store's is ab12cd34", self.refused(master_key="11111111"))

    def test_schema(self) -> None:
        """A backup that only a newer tfserver reads is refused."""
        self.assertIn("schema 9", self.refused(schema=9, reader=8))

    def test_large_value(self) -> None:
        """A value that the store would not take is refused before anything is changed, with the way out."""
        self.assertIn("proto-max-bulk-len", self.refused(largest=600 * 1024 * 1024))
        self.source.ask("CONFIG", "SET", "proto-max-bulk-len", 700 * 1024 * 1024)
        backup.refuse(
            self.source, "tf:", msgspec.structs.replace(self.save(), largest=600 * 1024 * 1024), None
        )

    def test_nothing_there(self) -> None:
        """A prefix under which no tfserver keeps anything is refused: it may be the wrong one."""
        wrong = self.assertRaises(BackupError, self.save, "ft:")
        self.assertIn("'ft:'", str(wrong))

    def test_empty(self) -> None:
        """Whether anything stands under a prefix."""
        self.assertFalse(backup.is_empty(self.source, "tf:"))
        self.assertTrue(backup.is_empty(self.source, "ft:"))

    def test_foreign_software(self) -> None:
        """A value that the store can't read is told with what wrote it."""
        self.save()
        with open(self.path, "rb") as file:
            header = msgspec.structs.replace(verify(file), software="redis 99.1")
            broken = mock.patch.object(backup, "_restoring", lambda prefix, entry: ("RESTORE", "x", 0, b"?"))
            with broken:
                wrong = self.assertRaises(
                    BackupError, backup.restore, self.source, "tf:", walk(file, header), header, quiet
                )
        self.assertIn("redis 99.1", str(wrong))
