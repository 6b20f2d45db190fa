"""Terminals that are odd: every message with ``cmd`` is answered, and one bad record spoils no batch."""

from __future__ import annotations

import json
from typing import Any

from tests.real.client import frame, log
from tests.real.scene import DAY, OPEN, Scene
from tests.real.store import wait_until

MORNING = f"{DAY} 08:00:00"


class Odd(Scene):
    """One server, one client."""

    def setUp(self) -> None:
        self.here = self.server(*OPEN, store=self.store())
        self.odd = self.client(self.here, "ODD")

    def test_receipt(self) -> None:
        """``count`` and ``logindex`` are repeated as they came, also 0 and absurd, and never made up."""
        for count, logindex in (
            (0, 0),
            (1, 0),
            ("1", "7"),
            (99, -1),
            (2**70, 2**70),
            (1.5, 0.5),
            (True, False),
        ):
            answer = self.odd.ask(cmd="sendlog", count=count, logindex=logindex, record=[])
            self.assertTrue(answer["result"])
            self.assertEqual((answer["count"], answer["logindex"]), (count, logindex))
        answer = self.odd.ask(cmd="sendlog", record=[log(1, MORNING)])
        self.assertNotIn("count", answer)
        self.assertNotIn("logindex", answer)

    def test_every_word_is_answered(self) -> None:
        """Known, doubtful, unknown and absurd words all get an answer by their name."""
        words = (
            "heartbeat",
            "checklive",
            "sendqrcode",
            "sendpin",
            "otacheck",
            "getuserlist",
            "nobody",
            "X",
            "a" * 64,
        )
        for word in words:
            self.assertIn("result", self.odd.ask(cmd=word))

    def test_long_word(self) -> None:
        """A word longer than any is answered too, or the terminal repeats it for ever."""
        self.odd.say(cmd="w" * 100)
        self.odd.say(cmd="heartbeat")
        self.assertEqual(self.odd.hear()["ret"], "w" * 100)

    def test_many_frames_in_one_piece(self) -> None:
        """A terminal that does not wait for answers gets all of them, in their order."""
        for word in ("heartbeat", "sendlog"):
            self.odd.write(self._pieces(word, 400))
            self.assertEqual([self.odd.hear()["ret"] for _ in range(401)], ["sendlog"] + [word] * 400)

    def test_many_frames_while_the_store_is_away(self) -> None:
        """So does one whose every request is refused."""
        store = self.here._store
        assert store is not None
        store.pause()
        self.addCleanup(store.go_on)
        self.odd.write(self._pieces("sendlog", 400))
        self.assertFalse(any(self.odd.hear()["result"] for _ in range(401)))

    def _pieces(self, word: str, count: int) -> bytes:
        first = {"cmd": "sendlog", "count": 1, "logindex": 0, "record": [log(1, MORNING)]}
        more = {"cmd": word, "record": [log(2, MORNING)]}
        return frame(json.dumps(first).encode()) + frame(json.dumps(more).encode()) * count

    def test_deep_record(self) -> None:
        """A record nested as deep as can be does not keep its batch from being acknowledged."""
        for depth in range(900, 1000, 4):
            deep = "[" * depth + "]" * depth
            text = f'{{"cmd":"sendlog","count":1,"record":[{{"enrollid":1,"time":"{MORNING}","x":{deep}}}]}}'
            self.odd.write(frame(text.encode()))
            self.assertTrue(self.odd.ask(cmd="heartbeat")["result"])
            answer = self.odd.ask(cmd="sendlog", count=1, record=[log(1, MORNING)])
            self.assertTrue(answer["result"])
        refused = self.here.get("/metrics")[1].splitlines()
        self.assertFalse([line for line in refused if 'result="false",word="sendlog"' in line])

    def test_bad_records_spoil_no_batch(self) -> None:
        """Whatever else is in the list, the good record is kept and the batch acknowledged."""
        bad: tuple[Any, ...] = (
            None,
            7,
            "x",
            [],
            {},
            {"time": MORNING},
            {"enrollid": 1},
            {"enrollid": [], "time": {}},
            [log(9, MORNING)],
        )
        strange = {
            "enrollid": "0017",
            "time": MORNING,
            "mode": {},
            "temp": "hot",
            "extra": 2**70,
            "é\ud800": "\ud800",
        }
        answer = self.odd.ask(cmd="sendlog", count=11, logindex=0, record=[*bad, strange, log(1, MORNING)])
        self.assertTrue(answer["result"])
        self.assertEqual([row["enrollid"] for row in self.here.punches()], [17, 1])
        self.assertEqual(len(self.here.get("/quarantine")[1]["quarantine"]), len(bad))

    def test_quarantine_can_be_read(self) -> None:
        """Whatever was put into the quarantine can be shown to people, and breaks nothing."""
        long = dict.fromkeys("abcdef", "é" * 900 + "\x00")
        odd: tuple[Any, ...] = (long, {"\ud800": 1}, "é" * 5000, {"time": 2**70}, {"deep": [[[[[]]]]]})
        for item in odd:
            self.assertTrue(self.odd.ask(cmd="sendlog", count=1, record=[item])["result"])
        status, found = self.here.get("/quarantine")
        self.assertEqual((status, len(found["quarantine"])), (200, 5))
        self.assertTrue(self.odd.ask(cmd="sendlog", record=[log(1, MORNING)])["result"])

    def test_absurd_devinfo_can_be_read(self) -> None:
        """Whatever a terminal tells of itself, the list of terminals can be shown."""
        absurd = {
            "usersize": 2**64 - 1,
            "useduser": -(2**70),
            "fpsize": "x",
            "time": [],
            "mac": {},
            "firmware": None,
        }
        self.assertIn("result", self.client(self.here).register("ABSURD", **absurd))
        self.assertEqual(self.here.get("/terminals")[0], 200)
        self.assertEqual(self.here.get("/terminals/ABSURD")[0], 200)
        self.assertIsInstance(self.here.get("/metrics")[1], str)

    def test_large_batch(self) -> None:
        """A whole memory in one message is kept, and kept once."""
        record = [log(n, MORNING) for n in range(1, 3001)]
        for _ in range(2):
            self.assertTrue(self.odd.ask(cmd="sendlog", count=3000, logindex=0, record=record)["result"])
        self.assertEqual(len(self.here.punches()), 3000)

    def test_refused_again_and_again(self) -> None:
        """A terminal that is refused a thousand times does not fill the log."""
        store = self.store()
        server = self.server(store=store)
        client = self.client(server)
        for _ in range(300):
            self.assertFalse(client.register("NEW")["result"])
        self.assertLess(server.said().count("refused"), 100)

    def test_vendor_keepalive_and_binary(self) -> None:
        """Text keep-alives, binary frames, fragments and a second object are no reason to end."""
        self.odd.write(frame(b"v\x00") + frame(b"w\x00"))
        self.odd.write(frame(b'{"cmd":"heartbeat"}', 2))
        self.assertEqual(self.odd.hear()["ret"], "heartbeat")
        self.odd.write(frame(b'{"cmd":"hear', 1, final=False) + frame(b"", 9) + frame(b'tbeat"}', 0))
        self.assertEqual(self.odd.hear()["ret"], "heartbeat")
        self.odd.write(frame(b'rubbish {"cmd":"heartbeat",} {"cmd":"heartbeat"}\x00'))
        self.assertEqual(self.odd.hear()["ret"], "heartbeat")

    def test_reg_again_and_again(self) -> None:
        """``reg`` on a healthy connection is answered each time and changes nothing else."""
        for _ in range(5):
            self.assertTrue(self.odd.register("odd")["result"])
        self.assertTrue(self.odd.ask(cmd="sendlog", record=[log(1, MORNING)])["result"])
        self.assertFalse(self.odd.register("OTHER")["result"])
        self.assertTrue(self.odd.ask(cmd="sendlog", record=[log(2, MORNING)])["result"])
        wait_until(lambda: self.here.get("/terminals/ODD")[1]["online"], "it is online")
        self.assertEqual(self.here.get("/terminals/OTHER")[0], 404)
