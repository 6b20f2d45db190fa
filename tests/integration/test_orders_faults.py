"""Orders when terminals fall silent, say the wrong thing or are lost, and when processes end."""

from __future__ import annotations

import json
import signal
from typing import Any

from tests.real.client import RealClient, frame, log
from tests.real.orders import OrderScene
from tests.real.scene import DAY
from tests.real.store import wait_until

SILENCE = 40.0
"""Seconds within which a reply is given up (20) and an ordinary order said again (5)."""
AGAIN = 15.0
"""Seconds within which an order is said again that was lost with its connection (5)."""
NO_REPLY = {"message": "no reply in time"}
LOST = {"message": "the process or the connection that sent it is gone, and no answer was seen"}
DROPPED = {"message": "the connection was lost after it was sent"}
GOING_AWAY = 1001


class Silence(OrderScene):
    """Terminals that don't answer, or not what they were asked. All wait together: a reply has 20 seconds."""

    def test_silence(self) -> None:
        """Only what is harmless is said again; nothing overtakes its like; others are not held up; no late
        reply is taken for the next command's."""
        self.terminals = {name: self.terminal(name) for name in ("FENCED", "QUEUE", "TWICE", "WRONG")}
        fenced, queue = self._fenced(), self._queue()
        twice = self.put("TWICE", "getusername", enrollid=7)
        self.terminals["TWICE"].commanded("getusername")
        wrong = self._wrong()
        self._not_held_up([fenced[0], queue[0], twice, wrong])
        ended = [self._end_fenced(*fenced), *self._end_queue(*queue), self._end_twice(twice)]
        ended.append(self.end_of(wrong, "unknown"))
        self.assertEqual(ended[-1]["error"], NO_REPLY)
        self.terminals["WRONG"].reply("adduser", enrollid=7)
        self.assertTrue(self.terminals["WRONG"].ask(cmd="heartbeat")["result"])
        self.assert_one_end(ended)

    def _not_held_up(self, blocked: list[str]) -> None:
        """Another terminal obeys while all these wait."""
        free = self.terminal("FREE")
        order_id = self.put("FREE", "getusername", enrollid=7)
        free.obey("getusername", record="Ines")
        self.end_of(order_id, "done")
        self.assertEqual({self.look(each)["state"] for each in blocked}, {"sent"})

    def _fenced(self) -> tuple[str, str]:
        """An order that is done at most once, and the next of its word, about somebody else."""
        first = self.put("FENCED", "adduser", enrollid=7, backupnum=0)
        self.terminals["FENCED"].commanded("adduser")
        return first, self.put("FENCED", "adduser", enrollid=8, backupnum=0)

    def _end_fenced(self, first: str, second: str) -> dict[str, Any]:
        terminal = self.terminals["FENCED"]
        terminal.commanded("getdevinfo", SILENCE)
        order = self.end_of(first, "unknown")
        self.assertEqual((order["error"], order["attempts"]), (NO_REPLY, 1))
        terminal.reply("adduser")
        terminal.reply("getdevinfo", volume=6)
        self.assertEqual(terminal.commanded("adduser")["enrollid"], 8)
        self.assertEqual(self.look(second)["state"], "sent")
        terminal.reply("adduser", result=False, reason=4)
        self.assertEqual(self.end_of(second, "refused")["error"]["reason"], 4)
        self.assertEqual(terminal.passed, [])
        return order

    def _queue(self) -> tuple[str, str, str]:
        """An order that will wait for its next try, one about the same person, and one about another."""
        dead = self.put("QUEUE", "deleteuser", enrollid=7, backupnum=11)
        self.terminals["QUEUE"].commanded("deleteuser")
        rest = [self.put("QUEUE", "enableuser", enrollid=enrollid, enflag=1) for enrollid in (7, 8)]
        return dead, rest[0], rest[1]

    def _end_queue(self, dead: str, same: str, other: str) -> list[dict[str, Any]]:
        terminal = self.terminals["QUEUE"]
        self.assertEqual(terminal.hear(SILENCE)["enrollid"], 8)
        terminal.reply("enableuser")
        passed = self.end_of(other, "done")
        waiting = self.look(dead)
        self.assertEqual((waiting["state"], waiting["error"]), ("queued", NO_REPLY))
        self.assertEqual(self.look(same)["attempts"], 0)
        self.assertEqual(terminal.hear(SILENCE)["cmd"], "deleteuser")
        terminal.reply("deleteuser")
        self.assertEqual(terminal.hear(), {"cmd": "enableuser", "enrollid": 7, "enflag": 1})
        terminal.reply("enableuser")
        orders = [self.end_of(order_id, "done") for order_id in (dead, same)]
        self.assertEqual([order["attempts"] for order in orders], [2, 1])
        return [passed, *orders]

    def _end_twice(self, order_id: str) -> dict[str, Any]:
        """The second try comes behind a fence, and has its own reply."""
        terminal = self.terminals["TWICE"]
        terminal.commanded("getdevinfo", SILENCE)
        terminal.reply("getusername", record="late")
        terminal.reply("getdevinfo", volume=6)
        terminal.obey("getusername", record="second")
        order = self.end_of(order_id, "done")
        self.assertEqual((order["reply"], order["error"]), ({"name": "second"}, None))
        self.assertEqual(order["attempts"], 2)
        return order

    def _wrong(self) -> str:
        """An order that is answered by everything but its reply."""
        terminal = self.terminals["WRONG"]
        order_id = self.put("WRONG", "adduser", enrollid=7, backupnum=0)
        terminal.commanded("adduser")
        terminal.reply("gettime", time=f"{DAY} 08:00:00")
        terminal.reply("adduser", enrollid=8)
        terminal.write(frame(b'{"ret":"adduser","result":tr'))
        self.assertTrue(terminal.ask(cmd="heartbeat")["result"])
        return order_id


class Dropped(OrderScene):
    """Terminals that are lost in the middle, and come again to the other process."""

    def page(self, terminal: RealClient, word: str, start: int, record: list[Any], total: int) -> None:
        """Wait for the request for a page, and give it."""
        asked = terminal.commanded(word, AGAIN)
        self.assertEqual(asked["stn"], start == 0)
        terminal.reply(word, count=total, **{"from": start, "to": start + len(record)}, record=record)

    def test_in_mid_page(self) -> None:
        """Lists go on there: whole, and each punch in the feed once, whether or not pages are given twice."""
        people = [{"enrollid": n, "admin": 0, "backupnum": 0} for n in range(1, 61)]
        logs = [log(n, f"{DAY} 08:00:{n:02}") for n in range(1, 10)]
        lists: dict[str, tuple[str, list[Any]]] = {
            "PEOPLE": ("getuserlist", people),
            "LOGS": ("getalllog", logs),
        }
        ids = {}
        for sn, (word, whole) in lists.items():
            terminal, half = self.terminal(sn), len(whole) * 2 // 3
            ids[sn] = self.put(sn, word)
            self.page(terminal, word, 0, whole[:half], len(whole))
            self.assertFalse(terminal.commanded(word)["stn"])
            terminal.shut()
        ids["NEW"] = self._new_logs(self.terminal("NEW"), [log(n, f"{DAY} 09:00:00") for n in (1, 2)], 3)
        again = {sn: self.terminal(sn, self.two) for sn in ids}
        for sn, (word, whole) in lists.items():
            half = len(whole) * 2 // 3
            self.page(again[sn], word, 0, whole[:half], len(whole))
            self.page(again[sn], word, half, whole[half:], len(whole))
        self.page(again["NEW"], "getnewlog", 0, [log(3, f"{DAY} 09:00:00")], 1)
        self.page(again["NEW"], "getnewlog", 1, [], 1)
        orders = {sn: self.end_of(order_id, "done") for sn, order_id in ids.items()}
        self.assertEqual(orders["PEOPLE"]["reply"]["users"], people)
        told = {name: orders["LOGS"]["reply"][name] for name in ("complete", "records", "new", "known")}
        self.assertEqual(told, {"complete": True, "records": 9, "new": 3, "known": 6})
        self.assertEqual([order["attempts"] for order in orders.values()], [2, 2, 2])
        self.assert_one_end(orders.values())
        found = sorted((row["sn"], row["enrollid"]) for row in self.two.punches())
        self.assertEqual(found, [("LOGS", n) for n in range(1, 10)] + [("NEW", n) for n in (1, 2, 3)])

    def _new_logs(self, terminal: RealClient, page: list[Any], total: int) -> str:
        """Give the first page of the new logs, which can be given only once, and be lost."""
        order_id = self.put("NEW", "getnewlog")
        self.page(terminal, "getnewlog", 0, page, total)
        self.assertFalse(terminal.commanded("getnewlog")["stn"])
        terminal.shut()
        return order_id

    def test_moves_with_an_order(self) -> None:
        """What was in flight on the older connection has its end when the terminal is at the other process;
        neither what is said on the old one then, nor its end, changes it."""
        old = self.terminal("MOVES")
        once = self.put("MOVES", "adduser", enrollid=7, backupnum=0)
        old.commanded("adduser")
        waits = self.put("MOVES", "adduser", enrollid=8, backupnum=0)
        new = self.terminal("MOVES", self.two)
        new.obey("adduser", enrollid=8)
        order = self.end_of(once, "unknown")
        self.assertEqual(order["error"], LOST)
        old.reply("adduser", enrollid=7)
        old.closed()
        old.shut()
        wait_until(lambda: "tfserver_connections 0" in self.one.get("/metrics")[1], "the old one is gone")
        self._told_all("MOVES", new)
        self.assert_one_end([order, self.end_of(waits, "done")])

    def test_ended_by_another(self) -> None:
        """A process that stood still while another ended its order does not end it once more."""
        terminal = self.terminal("STILL")
        once = self.put("STILL", "adduser", enrollid=7, backupnum=0)
        terminal.commanded("adduser")
        self.one.signal(signal.SIGSTOP)
        self.addCleanup(self.one.signal, signal.SIGCONT)
        self.bring_forward(once)
        order = self.end_of(once, "unknown")
        terminal.reply("adduser", enrollid=7)
        self.one.signal(signal.SIGCONT)
        self._told_all("STILL", terminal)
        self.assert_one_end([order])

    def _told_all(self, sn: str, terminal: RealClient) -> None:
        """Order something at process ``one``: by its end that process told the store all it had to."""
        asked = self.meanwhile(self.order, self.one, sn, "gettime")
        terminal.obey("gettime", result=None, time=f"{DAY} 08:00:00")
        self.assertEqual(asked.result()[1]["state"], "done")

    def test_reg_in_mid_page(self) -> None:
        """Firmware that repeats its ``reg`` just before it gives a page does not cut the list short."""
        terminal = self.terminal("REPEATS")
        logs = [log(n, f"{DAY} 08:00:{n:02}") for n in range(1, 5)]
        order_id = self.put("REPEATS", "getalllog")
        terminal.commanded("getalllog")
        reg = {"cmd": "reg", "sn": "REPEATS", "cpusn": "cpu-REPEATS", "devinfo": {}}
        page = {"ret": "getalllog", "result": True, "count": 4, "from": 0, "to": 2, "record": logs[:2]}
        terminal.write(b"".join(frame(json.dumps(one).encode()) for one in (reg, page)))
        self.page(terminal, "getalllog", 2, logs[2:], 4)
        order = self.end_of(order_id, "done")
        self.assertEqual((order["reply"]["records"], order["reply"]["complete"]), (4, True))

    def test_store_away(self) -> None:
        """A reply that comes while the store hangs is told to it later; what it handed over without being
        heard was not said, and is said soon, once."""
        self.addCleanup(self.redis.go_on)
        terminal = self.terminal("PATIENT")
        order_id = self.put("PATIENT", "getusername", enrollid=7)
        terminal.commanded("getusername")
        following = self.put("PATIENT", "adduser", enrollid=8, backupnum=0)
        self.redis.pause()
        terminal.reply("getusername", record="Ines")
        wait_until(lambda: self.one.get("/readyz")[0] == 503, "the store is missed")
        self.redis.go_on()
        terminal.obey("adduser")
        order = self.end_of(order_id, "done")
        self.assertEqual((order["reply"], order["attempts"]), ({"name": "Ines"}, 1))
        self.assert_one_end([order, self.end_of(following, "done")])
        self.assertEqual(terminal.passed, [])


class Ended(OrderScene):
    """Processes that end with orders in flight."""

    more = "limits: {drain_seconds: 1}\n"

    def test_killed(self) -> None:
        """kill -9: what may not be done twice is ``unknown``, also if nobody has its terminal any more; the
        rest is done at the other process, where people can use a terminal again that was disabled."""
        wanted: dict[str, tuple[str, dict[str, Any]]] = {
            "DOOR": ("opendoor", {"ttl": 1}),
            "BACK": ("opendoor", {"ttl": 30}),
            "GONE": ("adduser", {"enrollid": 7, "backupnum": 0}),
            "ONCE": ("adduser", {"enrollid": 7, "backupnum": 0}),
            "AGAIN": ("getusername", {"enrollid": 7}),
        }
        ids = {}
        for sn, (word, fields) in wanted.items():
            terminal = self.terminal(sn)
            ids[sn] = self.put(sn, word, **fields)
            terminal.commanded(word)
        queued = self.put("ONCE", "getusername", enrollid=7)
        self._disabled("SHUT")
        self.one.kill()
        self.terminal("SHUT", self.two).obey("enabledevice")
        back, once, again = (self.terminal(sn, self.two) for sn in ("BACK", "ONCE", "AGAIN"))
        once.obey("getusername", record="Ines")
        ended = [self.end_of(queued, "done")]
        ended += [self.end_of(ids[sn], "unknown") for sn in ("ONCE", "BACK")]
        self.bring_forward(ids["GONE"])
        ended += [self.end_of(ids["GONE"], "unknown"), self.end_of(ids["DOOR"], "unknown")]
        self.assertEqual([order["error"] for order in ended[1:]], [LOST] * 4)
        again.commanded("getusername", AGAIN)
        again.reply("getusername", record="Ines")
        ended.append(self.end_of(ids["AGAIN"], "done"))
        self.assertEqual(ended[-1]["attempts"], 2)
        self.assertTrue(back.ask(cmd="heartbeat")["result"])
        self.assertEqual(back.passed + once.passed + again.passed, [])
        self.assert_one_end(ended)

    def _disabled(self, sn: str) -> None:
        """A terminal that was told to keep people away."""
        terminal = self.terminal(sn)
        order_id = self.put(sn, "disabledevice")
        terminal.obey("disabledevice")
        self.end_of(order_id, "done")

    def test_stopped(self) -> None:
        """SIGTERM: what is in flight may end; what is not answered is ``unknown``; what was not sent stays
        queued, and is done by the other process; who waits is told so."""
        answers, mute = self.terminal("ANSWERS"), self.terminal("MUTE")
        flying = self.put("ANSWERS", "getusername", enrollid=7)
        answers.commanded("getusername")
        lost = self.put("MUTE", "adduser", enrollid=7, backupnum=0)
        mute.commanded("adduser")
        queued = [self.put(sn, "adduser", enrollid=8, backupnum=0) for sn in ("ANSWERS", "MUTE")]
        waits = self.meanwhile(self.order, self.one, "MUTE", "adduser", wait=30, enrollid=9, backupnum=0)
        wait_until(lambda: len(self.listed("MUTE")) == 3, "the last was ordered")
        self.one.signal(signal.SIGTERM)
        wait_until(lambda: self.one.get("/healthz")[0] == 503, "it drains")
        answers.reply("getusername", record="Ines")
        ended = [self.end_of(flying, "done")]
        self.assertEqual((answers.closed(), mute.closed()), (GOING_AWAY, GOING_AWAY))
        self.assertIn(self.one.wait(), (0, -signal.SIGTERM))
        status, body = waits.result()
        self.assertEqual((status, body["state"]), (202, "queued"))
        queued.append(body["id"])
        self.assertEqual({self.look(order_id)["state"] for order_id in queued}, {"queued"})
        ended.append(self.end_of(lost, "unknown"))
        self.assertEqual(ended[-1]["error"], DROPPED)
        self.assertEqual([self.look(order_id)["attempts"] for order_id in queued], [0, 0, 0])
        self.assertEqual(self.terminal("ANSWERS", self.two).obey("adduser")["enrollid"], 8)
        again = self.terminal("MUTE", self.two)
        self.assertEqual([again.obey("adduser")["enrollid"] for _ in range(2)], [8, 9])
        ended += [self.end_of(order_id, "done") for order_id in queued]
        self.assert_one_end(ended)
        self.assertEqual(answers.passed + mute.passed, [])
