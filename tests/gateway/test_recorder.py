"""The flight recorder: what is remembered of terminals, within which bounds, and what of it is shown."""

from __future__ import annotations

import json
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tfserver.gateway import recorded, recorder
from tfserver.gateway.recorder import Closed, Recorder, Ring, cut

SN = "ZXDM26010042"
LOG = b'{"cmd":"sendlog","count":1,"record":[{"enrollid":7,"time":"2026-04-02 08:00:00","mode":1}]}'


class Talker:
    """A link, as far as the recorder looks at it."""

    def __init__(self, sn: str = SN) -> None:
        self.claimed_sn = sn


class RecorderCase(SynchronousTestCase):
    """A recorder whose clock goes on by a second with each look at it."""

    def setUp(self) -> None:
        self.now = 1_775_000_000.0
        self.recorder = Recorder(20, self.tick)

    def tick(self) -> float:
        """The next second."""
        self.now += 1
        return self.now

    def ring(self, sn: str = SN, address: str = "192.0.2.7") -> Ring:
        """A connection of a terminal."""
        ring = self.recorder.begin(Talker(sn), f"c-{self.now:.0f}", address)
        assert ring is not None
        return ring

    def rows(self, sn: str = SN) -> list[dict[str, Any]]:
        """What is shown of a terminal."""
        return recorded.frames(self.recorder, sn)


class RememberedTests(RecorderCase):
    """What is remembered."""

    def test_both_ways(self) -> None:
        """Messages stand in their order with time, direction, size, word and result."""
        ring = self.ring()
        ring.heard(LOG)
        ring.said(b'{"ret":"sendlog","result":false,"reason":1}')
        connected, heard, said = self.rows()
        self.assertEqual((connected["direction"], connected["word"]), ("event", "connected"))
        self.assertEqual((heard["direction"], heard["word"], heard["size"]), ("in", "sendlog", len(LOG)))
        self.assertEqual((said["direction"], said["word"], said["result"]), ("out", "sendlog", False))
        self.assertEqual(heard["at"], "2026-03-31T23:33:22.000Z")
        self.assertEqual((heard["address"], heard["connection"]), ("192.0.2.7", "c-1775000000"))

    def test_the_last_ones(self) -> None:
        """Of many messages the last ones are told, and not many more are kept."""
        ring = self.ring()
        for number in range(1000):
            ring.heard(b'{"cmd":"heartbeat","n":%d}' % number)
        told = [row["content"]["n"] for row in self.rows() if row["direction"] == "in"]
        self.assertEqual(told[-20:], list(range(980, 1000)))
        self.assertLessEqual(len([*ring.entries()]), 40)

    def test_none(self) -> None:
        """Where nothing is to be remembered there is no ring, and no failure is noted."""
        silent = Recorder(0, self.tick)
        self.assertIsNone(silent.begin(Talker(), "c", "192.0.2.7"))
        silent.failed("192.0.2.7", "no")
        self.assertEqual(recorded.handshakes(silent), [])

    def test_after_the_end(self) -> None:
        """A terminal that has gone is remembered, with who ended it and why."""
        ring = self.ring()
        ring.heard(LOG)
        ring.close(Closed("server", 1008, "not admitted; try again"))
        last = self.rows(SN.lower())[-1]
        self.assertEqual(
            (last["word"], last["content"]["by"], last["content"]["code"]), ("closed", "server", 1008)
        )
        ring.close(Closed("terminal", None, "again"))
        self.assertEqual(len(self.rows()), 3)

    def test_connections_of_one(self) -> None:
        """Of a terminal that comes again and again the last connections are remembered."""
        for _ in range(20):
            self.ring().close(Closed("terminal", None, ""))
        self.ring().heard(LOG)
        words = [row["word"] for row in self.rows()]
        self.assertEqual(words, ["connected", "closed"] * recorder.MOST_VISITS + ["connected", "sendlog"])

    def test_others(self) -> None:
        """Nothing of another terminal is told."""
        self.ring().heard(LOG)
        self.assertEqual(self.rows("OTHER"), [])

    def test_failures(self) -> None:
        """What never was a WebSocket is told by address and reason, without what it said."""
        for _ in range(3):
            self.recorder.failed("192.0.2.8", "bad path 'tfs_secret'")
        self.recorder.failed("192.0.2.9", "it speaks TLS")
        first, second = recorded.handshakes(self.recorder)
        self.assertEqual((first["address"], first["times"]), ("192.0.2.9", 1))
        self.assertEqual((second["times"], second["why"]), (3, "bad path …"))
        for number in range(2 * recorder.MOST_FAILURES):
            self.recorder.failed(f"198.51.100.{number}", "no")
        self.assertEqual(len(recorded.handshakes(self.recorder)), recorder.MOST_FAILURES)


class BoundTests(RecorderCase):
    """Memory has a bound, whatever comes."""

    def kept(self) -> int:
        """Bytes that rings and the ended hold, counted anew."""
        rings = [*self.recorder._live, *(ring for old in self.recorder._ended.values() for ring in old)]
        return sum(recorder._weight(entry) for ring in rings for entry in ring._entries)

    def test_long_messages(self) -> None:
        """Of a message of some size only word and size are kept: no photo stays in memory."""
        ring = self.ring()
        ring.heard(b'{"cmd":"sendlog","record":[{"image":"%b"}]}' % (b"Q" * 100_000))
        ring.heard(b'{"image":"%b","cmd":"sendlog"}' % (b"Q" * 100_000))
        self.assertLess(self.kept(), 1000)
        _, first, second = self.rows()
        self.assertEqual(
            (first["word"], first["size"], first["content"]), ("sendlog", 100_041, {"cut": True})
        )
        self.assertEqual((second["word"], second["content"]), ("", {"cut": True}))

    def test_word_of_a_long_one(self) -> None:
        """The word is found where firmware writes it, and nothing else is taken for one."""
        for text, word in (
            (b'{"cmd":"senduser",', b'{"cmd":"senduser"}'),
            (b' { "ret" : " getuserinfo ",', b'{"ret":"getuserinfo"}'),
            (b'{"record":"123","cmd":"x"', b""),
            (b'{"cmd":"a\\"b"', b""),
        ):
            self.assertEqual(cut(text).beginning, word)

    def test_of_a_process(self) -> None:
        """Many terminals share what a process may keep; each keeps its newest, who has gone goes first."""
        self.patch(recorder, "MOST_BYTES", 100_000)
        self.ring("GONE").close(Closed("terminal", None, ""))
        rings = [self.ring(f"T{number}") for number in range(100)]
        for number in range(30):
            for ring in rings:
                ring.heard(b'{"cmd":"heartbeat","n":%d,"x":"%b"}' % (number, b"y" * 500))
        self.assertLessEqual(self.kept(), 2 * 100_000)
        self.assertEqual(self.rows("GONE"), [])
        self.assertEqual(self.rows("T7")[-1]["content"]["n"], 29)

    def test_of_the_ended(self) -> None:
        """Those who have gone are remembered up to a number, and what is counted is what is kept."""
        for number in range(recorder.MOST_ENDED + 10):
            ring = self.ring(f"T{number}")
            ring.heard(LOG)
            ring.close(Closed("terminal", None, ""))
        self.assertEqual(self.rows("T9"), [])
        self.assertEqual(len(self.rows("T10")), 3)
        self.assertEqual(self.recorder.bytes, self.kept())


class PrivateTests(RecorderCase):
    """Nothing private is shown."""

    def test_nothing_private(self) -> None:
        """No template, card, password, picture or token comes out, wherever a message has it."""
        ring, secret = self.ring(), "c4n4ry"
        for message in (
            {"cmd": "senduser", "enrollid": 7, "backupnum": 10, "record": secret},
            {"cmd": "setuserinfo", "name": "Ann", "record": f"{secret}11"},
            {"cmd": "sendlog", "record": [{"enrollid": 7, "image": secret, "time": secret, "note": secret}]},
            {"cmd": "sendlog", "record": [secret, {"mode": secret, "x": {"password": secret}}]},
            {"cmd": "sendlog", "record": {"password": secret}},
            {"ret": "getuserinfo", "result": True, "record": secret, "userpwd": secret},
            {"cmd": "reg", "devinfo": {"wifi": {"psk": secret}, "token": secret, "serverurl": f"ws://a:{secret}@h/"}},
            {"cmd": "sendqrcode", "record": secret},
            {"cmd": "setuserinfo", "record": [{"backupnum": 10, "record": secret}]},
        ):  # fmt: skip
            ring.heard(json.dumps(message).encode())
            ring.said(json.dumps(message).encode())
        ring.heard(b"rubbish " + secret.encode())
        ring.heard(b'{"record":"%b",,,' % secret.encode())
        told = json.dumps(self.rows())
        self.assertNotIn(secret, told)
        self.assertIn("sendqrcode", told)
        self.assertIn("Ann", told)

    def test_punches(self) -> None:
        """Of punches is told whose and when: that is what somebody looks for, and may read anyway."""
        self.ring().heard(LOG)
        [record] = self.rows()[-1]["content"]["record"]
        self.assertEqual(record, {"enrollid": 7, "mode": 1, "time": "2026-04-02 08:00:00"})
