"""A door never opens late, and never waits behind anything: real processes, and terminals that misbehave."""

from __future__ import annotations

import contextlib
import signal
import time
from collections import Counter
from typing import Any

from tests.real.client import RealClient, frame
from tests.real.orders import OrderScene
from tests.real.scene import DAY
from tests.real.store import wait_until
from tfserver.gateway.courier import FRESH_SECONDS

DOOR = "opendoor"
LOGS = 300
LATE = {"message": "it waited until its seconds were over"}


class Late(OrderScene):
    """Orders for doors whose seconds are over before they reach the terminal."""

    def assert_never_opened(
        self, terminal: RealClient, sn: str, order: dict[str, Any], rest: bytes = b""
    ) -> None:
        """The next thing that this terminal is told is something else, and the order stays as it ended;
        ``rest`` is what it has to say first."""
        order_id = self.put(sn, "gettime")
        terminal.commanded("gettime")
        terminal.write(rest)
        terminal.reply("gettime", result=None, time=f"{DAY} 08:00:00")
        self.end_of(order_id, "done")
        self.assertEqual([one for one in terminal.passed if one.get("cmd") == DOOR], [])
        self.assert_one_end([order])

    def pause(self) -> None:
        """Stop the process that has the terminals."""
        self.one.signal(signal.SIGSTOP)
        self.addCleanup(self.one.signal, signal.SIGCONT)

    def test_offline(self) -> None:
        """For a terminal that is not there no door is kept for later; other orders are."""
        terminal = self.terminal("AWAY")
        terminal.shut()
        wait_until(lambda: not self.two.get("/terminals/AWAY")[1]["online"], "it shows offline")
        for word in (DOOR, DOOR):
            status, refused = self.order(self.two, "AWAY", word)
            self.assertEqual(status, 409)
            self.assertIn("not online", refused["detail"])
        self.assertEqual(self.listed("AWAY"), [])
        order_id = self.put("AWAY", "gettime")
        self.assertEqual(self.listed("AWAY"), [order_id])
        terminal = self.terminal("AWAY")
        terminal.obey("gettime", result=None, time=f"{DAY} 08:00:00")
        self.end_of(order_id, "done")
        self.assertEqual(terminal.passed, [])

    def test_paused_before_it_was_taken(self) -> None:
        """While the owner stands still another process ends the order; the owner does not open then."""
        terminal = self.terminal("STILL")
        self.pause()
        order = self.end_of(self.put("STILL", DOOR, ttl=1), "expired")
        self.assertEqual((order["error"], order["sent"], order["attempts"]), (LATE, None, 0))
        self.one.signal(signal.SIGCONT)
        self.assert_never_opened(terminal, "STILL", order)

    def test_silent(self) -> None:
        """One not heard for a while is pinged, and opens after its pong; a pong that comes too late, to a
        process that was stopped meanwhile, opens nothing."""
        since = time.monotonic()
        prompt, late = self.terminal("PROMPT"), self.terminal("LATE")
        wait_until(lambda: time.monotonic() - since > FRESH_SECONDS + 0.5, "they were silent long enough")
        prompt_id = self.put("PROMPT", DOOR)
        asked = prompt.pinged()
        self.assertEqual(prompt.passed, [])
        prompt.pong(asked)
        prompt.obey(DOOR)
        self.end_of(prompt_id, "done")
        late_id = self.put("LATE", DOOR, ttl=1)
        asked = late.pinged()
        self.assertEqual(self.look(late_id)["state"], "sent")
        self.pause()
        began = time.monotonic()
        wait_until(lambda: time.monotonic() - began > 1, "its second is over")
        late.pong(asked)
        self.one.signal(signal.SIGCONT)
        order = self.end_of(late_id, "expired")
        self.assert_never_opened(late, "LATE", order)

    def test_behind_another(self) -> None:
        """A door waits for the reply that is due, but not beyond its seconds."""
        terminal = self.terminal("SLOW")
        slow = self.put("SLOW", "getusername", enrollid=7)
        terminal.commanded("getusername")
        order = self.end_of(self.put("SLOW", DOOR, ttl=1), "expired")
        in_time = self.put("SLOW", DOOR, doornum=2)
        terminal.reply("getusername", record="Ines")
        self.end_of(slow, "done")
        self.assertEqual(terminal.obey(DOOR), {"cmd": DOOR, "doornum": 2})
        self.end_of(in_time, "done")
        self.assert_never_opened(terminal, "SLOW", order)

    def test_store_hangs(self) -> None:
        """A store that keeps nothing for a while does not keep it afterwards, when the seconds are over and
        who asked was told that it failed."""
        terminal = self.terminal("HANGS")
        self.assertEqual(self.redis.ask("CLIENT PAUSE 2000 WRITE"), "+OK\r\n")
        self.assertEqual(self.order(self.two, "HANGS", DOOR, ttl=1)[0], 503)
        self.assertEqual(self.redis.ask("DEL nothing"), ":0\r\n", "it goes on")
        self.two.until_ready()
        order_id = self.put("HANGS", "gettime")
        terminal.obey("gettime", result=None, time=f"{DAY} 08:00:00")
        self.end_of(order_id, "done")
        self.assertEqual(self.listed("HANGS"), [order_id])
        self.assertEqual(terminal.passed, [])

    def test_unread(self) -> None:
        """To a terminal that does not read what was said before, nothing is said; nor when it reads again."""
        terminal = self.terminal("DEAF")
        rest = self._filled(terminal)
        order = self.end_of(self.put("DEAF", DOOR, ttl=1), "expired")
        self.assert_never_opened(terminal, "DEAF", order, rest)

    def _filled(self, terminal: RealClient) -> bytes:
        """Say so much, reading no answer, that no more is taken; the rest of what was being said."""
        terminal.socket.settimeout(0.5)
        rest = whole = frame(b'{"cmd":"' + b"x" * 60 + b'"}') * 500
        with contextlib.suppress(TimeoutError):
            while True:
                rest = rest[terminal.socket.send(rest) :] or whole
        return b"" if rest is whole else rest


class Prompt(OrderScene):
    """Orders for doors that have to be carried out at once, and once."""

    def test_no_answer(self) -> None:
        """Without an answer by the end the connection is reset; no door is tried again on the next, whether
        its answer or its connection was lost."""
        terminal = self.terminal("MUTE")
        order_id = self.put("MUTE", DOOR, ttl=1)
        terminal.commanded(DOOR)
        order = self.end_of(order_id, "unknown")
        self.assertEqual(order["error"], {"message": "no reply in time"})
        self.assertIsNone(terminal.closed())
        terminal = self.terminal("MUTE", self.two)
        lost = self.put("MUTE", DOOR, doornum=2, ttl=30)
        self.assertEqual(terminal.commanded(DOOR)["doornum"], 2)
        terminal.shut()
        ended = [order, self.end_of(lost, "unknown")]
        terminal = self.terminal("MUTE")
        other = self.put("MUTE", DOOR, doornum=3)
        self.assertEqual(terminal.obey(DOOR), {"cmd": DOOR, "doornum": 3})
        self.assert_one_end([*ended, self.end_of(other, "done")])
        self.assertEqual(terminal.passed, [])

    def test_many(self) -> None:
        """Many doors in a row, more than one waiting, are opened in their order and once each."""
        terminal = self.terminal("ROW")
        wanted = [n % 4 + 1 for n in range(60)]
        ids = [self.put("ROW", DOOR, ttl=30, doornum=number) for number in wanted]
        self.assertEqual([terminal.obey(DOOR)["doornum"] for _ in wanted], wanted)
        self.assert_one_end([self.end_of(order_id, "done") for order_id in ids])
        self.assertEqual(terminal.passed, [])

    def test_before_all_others(self) -> None:
        """A door overtakes everything that waits for the terminal."""
        terminal = self.terminal("FIRST")
        ids = [self.put("FIRST", "getusername", enrollid=n) for n in range(1, 4)]
        terminal.commanded("getusername")
        door = self.put("FIRST", DOOR)
        terminal.reply("getusername", record="Ines")
        self.assertEqual(terminal.hear()["cmd"], DOOR)
        terminal.reply(DOOR)
        self.end_of(door, "done")
        for _ in ids[1:]:
            terminal.obey("getusername", record="Ines")
        for order_id in ids:
            self.end_of(order_id, "done")


class Between(OrderScene):
    """Doors between the pages of a long list."""

    MOODS = {
        "KEEPS": "late=0.25:getalllog",
        "BEGINS": "late=0.25:getalllog,loses-cursor*1:getalllog",
        "LOSES": "late=0.25:getalllog,loses-cursor=empty*1:getalllog",
        "NEWLOG": "hoards,late=0.25:getnewlog,loses-cursor=empty*1:getnewlog",
    }
    """What terminals do when another command comes between two pages."""

    def test_pages(self) -> None:
        """The door is opened while the list is read; the list is whole, and in the feed once."""
        reads = {}
        for name, mood in self.MOODS.items():
            kind = "--backlog" if name == "NEWLOG" else "--history"
            options = ("--rate", "0", kind, str(LOGS), "--sn-prefix", name, "--mood", mood)
            self.obeying(self.one, "--dialect", "classic", *options)
        for name in self.MOODS:
            sn = f"{name}00000001"
            wait_until(lambda sn=sn: self.two.get(f"/terminals/{sn}")[1].get("online"), f"{sn} is online")
            reads[sn] = self.put(sn, "getnewlog" if name == "NEWLOG" else "getalllog")
            self.until(reads[sn], "sent")
        opened = {sn: self.meanwhile(self.order, self.two, sn, DOOR) for sn in reads}
        doors = {sn: door.result()[1] for sn, door in opened.items()}
        lists = {sn: self.end_of(order_id, "done") for sn, order_id in reads.items()}
        for sn, door in doors.items():
            self.assertEqual(door["state"], "done", door)
            self.assertLess(door["finished"], lists[sn]["finished"])
            self.assertIs(lists[sn]["reply"]["complete"], True, lists[sn])
        self.assert_one_end([*doors.values(), *lists.values()])
        feed = self.two.punches()
        found = Counter(row["sn"] for row in feed if row["kind"] == "punch")
        self.assertEqual(found, dict.fromkeys(reads, LOGS))
        self.assertEqual(len({row["uid"] for row in feed}), len(feed))
