"""Somebody with marks on everything is erased, and all that the server keeps is looked through for them."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any, Final

from tests.integration.test_erasure import HABITS, SETTINGS, ErasureScene, N
from tests.real.client import QUIET, RealClient, log
from tests.real.placed import PlacedServer
from tests.real.scene import OPEN
from tests.real.store import wait_until
from tfserver.store import address
from tfserver.store.blocking import Blocking

NAME, EXTERNAL, NOTE = "Qwertzia Marker", "EXT-MARK-77", "note of MARKNOTE"
CARD, PASSWORD, TEMPLATE = 3120451177, "48213399", "c51bMARKTEMPLATE07aa93e4"
IMAGE, STRANGER = "TUFSS0lNR01BUktJTUc=", "U1RSQU5HRVJTVFJBTkc="
MARKS: Final = ("Qwertzia", EXTERNAL, "MARKNOTE", str(CARD), PASSWORD, "MARKTEMPLATE", IMAGE, STRANGER)
PUNCHES: Final = ("tf:punches", "/punches?", "archive.sqlite", ".aof")
READS: Final = {
    b"string": ("GET",),
    b"hash": ("HGETALL",),
    b"set": ("SMEMBERS",),
    b"zset": ("ZRANGE", 0, -1),
    b"stream": ("XRANGE", "-", "+"),
    # its time was over since it was listed; the name of the key is looked at all the same
    b"none": ("EXISTS",),
}
OWN: Final[dict[str, dict[str, Any]]] = {
    **HABITS,
    "getuserlist": QUIET["getuserlist"],
    "setuserinfo": {"result": False, "reason": 1},
    "getuserinfo": {"enrollid": N, "name": NAME, "backupnum": 11, "admin": 0, "record": CARD},
    **{word: {} for word in ("setusername", "setuserprofile", "deleteuser")},
    "getusername": {"record": NAME},
}
TOLD: Final[dict[str, dict[str, Any]]] = {
    "getuserinfo": {"enrollid": N, "backupnum": 11},
    "getusername": {"enrollid": N},
    "setusername": {"record": [{"enrollid": N, "name": NAME}, {"enrollid": 5, "name": "Tarik"}]},
    "setuserinfo": {"enrollid": N, "name": NAME, "backupnum": 11, "admin": 0, "record": CARD},
    "setuserprofile": {"enrollid": N, "profile": f"Hello {NAME}"},
}
PATHS: Final = (
    *("/metrics", "/terminals", "/audit?limit=1000", "/quarantine", "/punches?after=0", f"/users/{N}"),
    *("/users?collided=true", "/terminals/PUSH/commands?limit=100", "/erasures", "/enrolments"),
)


class TracesTests(ErasureScene):
    """Nothing of a person is left but its number."""

    def test_nothing_is_left(self) -> None:
        """No key, no file but the store's own, no answer and no log has anything of the person, while a
        terminal is away and afterwards; and the store's file neither, once it was written anew."""
        stays, goes = self.terminals("STAY"), self.terminals("GOES")
        there, gone = self.sn("STAY"), self.sn("GOES")
        self.in_directory(there)
        self.at_terminals(there)
        self.away(goes, gone)
        waits = [{"enrollid": N, "name": NAME}]
        self.assertEqual(self.order(self.here, gone, "setusername", wait=0, record=waits)[0], 202)
        self.assertGreater(len(list(self.found())), 20)
        erasure = self.erase()
        self.until(erasure, gone, "waiting")
        wait_until(lambda: self.is_clear(erasure), "the server is clear", 60)
        self.assertEqual(list(self.found()), [])
        goes.leave_or_return()
        self.pushing_again()
        # nobody will learn what the one that was deleted has
        self.assert_done(erasure, proven=False)
        self.assertNotIn("setusername", [one["cmd"] for one in goes.obeyed()])
        self.assertEqual((self.people(stays), self.people(goes)), ({1, 3}, {1, 3}))
        self.assertEqual(list(self.found()), [])
        self.redis.ask("BGREWRITEAOF")
        wait_until(lambda: not list(self.in_files("*.aof", self.redis.folder)), "its file is written anew")

    def process(self, name: str) -> PlacedServer:
        """A running process that keeps the pictures of punches."""
        settings = self.file("s.yaml", SETTINGS + "punches: {images: keep}\n")
        return self.server("-c", settings, *OPEN, "--instance", name, store=self.redis)

    def in_directory(self, sn: str) -> None:
        """The person has everything that one can have; a refusal about it is told to the audit."""
        person = {"name": NAME, "external_id": EXTERNAL, "note": NOTE, "groups": ["staff"]}
        self.assertEqual(self.here.put("/groups/staff", {"everywhere": True})[0], 200)
        self.assertEqual(self.here.put(f"/users/{N}", person)[0], 200)
        for slot, more in (
            (11, {"record": str(CARD)}),
            (10, {"record": PASSWORD}),
            (0, {"record": TEMPLATE}),
        ):
            made = {"fpalgo": "thbio3.0", "model": "tfs30"} if slot == 0 else {}
            answer = self.here.put(f"/users/{N}/credentials/{slot}", {**more, **made})
            self.assertEqual(answer[0], 200, answer)
        self.assertEqual(self.here.put("/users/88", {"name": "Ida", "external_id": EXTERNAL})[0], 409)
        planned = self.here.post("/sync/plan", {"groups": ["staff"], "terminals": [sn], "read": "never"})
        self.assertEqual(planned[0], 201, planned)
        taken = self.here.post(f"/terminals/{sn}/snapshots", {})[1]["id"]
        wait_until(lambda: self.here.get(f"/snapshots/{taken}")[1]["state"] == "done", "it is taken", 60)

    def at_terminals(self, sn: str) -> None:
        """Terminals push the person, also so that it can't be read, and obey and refuse orders about it; one
        of them is deleted afterwards."""
        enrolment = {"sn": sn, "enrollid": N, "backupnum": 1, "name": NAME, "seconds": 20}
        self.assertEqual(self.here.post("/enrolments", enrolment)[0], 202)
        push, dead = self.obedient("PUSH"), self.obedient("DEAD")
        for number, slot in ((N, 0), (N, 99), (f" {N}.0", 99), (f"x{N}", 0)):
            told = {
                "enrollid": number,
                "backupnum": slot,
                "name": f"{NAME} X",
                "admin": 0,
                "record": TEMPLATE,
            }
            self.assertTrue(push.ask(cmd="senduser", **told)["result"])
        for enrollid, image in ((N, IMAGE), (0, STRANGER)):
            record = [log(enrollid, "2026-04-02 08:00:01", image=image)]
            self.assertTrue(push.ask(cmd="sendlog", count=1, logindex=1, record=record)["result"])
        for client, name in ((push, "PUSH"), (dead, "DEAD")):
            for cmd, fields in TOLD.items():
                made = self.meanwhile(self.order, self.here, name, cmd, **fields)
                self.hear_until(client, made)
                self.assertEqual(made.result()[0], 200)
            self.hang_up(client, name)
        self.assertEqual(self.here.delete("/terminals/DEAD")[0], 204)

    def obedient(self, sn: str) -> RealClient:
        """A terminal that answers everything by habit."""
        client = self.client(self.here)
        client.habits.update(OWN)
        self.assertTrue(client.register(sn)["result"])
        return client

    def pushing_again(self) -> None:
        """One comes back, tells of the person again, and is erased there."""
        push = self.obedient("PUSH")
        told = {"enrollid": N, "name": NAME, "backupnum": 0, "admin": 0, "record": TEMPLATE}
        self.assertTrue(push.ask(cmd="senduser", **told)["result"])
        is_done = self.meanwhile(self.until_done, "PUSH")
        self.hear_until(push, is_done)
        is_done.result()

    def until_done(self, sn: str) -> None:
        """The terminal is proven in the only erasure."""
        [erasure] = self.here.get("/erasures")[1]["erasures"]
        self.until(erasure["id"], sn, "done")

    def hear_until(self, client: RealClient, awaited: Future[Any]) -> None:
        """Let the terminal answer until something has come."""
        while not awaited.done():
            with contextlib.suppress(TimeoutError):
                client.hear(0.1)

    def hang_up(self, client: RealClient, sn: str) -> None:
        """The terminal goes away."""
        client.shut()
        wait_until(lambda: not self.here.get(f"/terminals/{sn}")[1]["online"], "it is offline")

    def is_clear(self, erasure: str) -> bool:
        """Whether all places of the server are told for."""
        own = [one["state"] for one in self.report(erasure)["places"] if one["sn"] is None]
        return bool(own) and set(own) <= {"done", "kept"}

    def found(self) -> Iterator[str]:
        """Where there is any mark: keys of the store, files of the server, answers."""
        places: tuple[Callable[[], Iterator[str]], ...] = (self.in_store, self.in_answers)
        for place in places:
            yield from place()
        yield from self.in_files("*", self.here.folder)

    def in_store(self) -> Iterator[str]:
        """Keys, or what stands in them."""
        with contextlib.closing(Blocking(address.parse(self.redis.url))) as store:
            for key in store.ask("KEYS", "*"):
                word, *bounds = READS[store.ask("TYPE", key)]
                yield from marks(key.decode(), f"{key!r} {store.ask(word, key, *bounds)!r}")

    def in_files(self, pattern: str, folder: str) -> Iterator[str]:
        """Files: the log, the archive with its journal, and so on."""
        for path in Path(folder).rglob(pattern):
            if path.is_file():
                yield from marks(str(path), path.read_bytes().decode("latin-1"))

    def in_answers(self) -> Iterator[str]:
        """What people are told."""
        for path in PATHS:
            yield from marks(path, str(self.here.get(path)))


def marks(place: str, text: str) -> Iterator[str]:
    """The place and the mark, for each that is in a text. Punches keep the external id beside the number, as
    the erasure says."""
    is_of_punches = any(name in place for name in PUNCHES)
    for mark in MARKS:
        if mark in text and not (mark == EXTERNAL and is_of_punches):
            yield f"{place}: {mark}"
