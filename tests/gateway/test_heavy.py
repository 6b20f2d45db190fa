"""What gives way to punches at the terminals' side: users, and messages with pictures."""

from __future__ import annotations

import json
from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from tests.gateway.stand_ins import SN, Dialled, Stand
from tfserver.config import Images, Punches, Settings
from tfserver.gateway.heavy import HEAVY_BYTES

PICTURE = "x" * HEAVY_BYTES
USER = {"cmd": "senduser", "sn": SN, "enrollid": 7, "name": "Ana", "backupnum": 50}


class HeavyCase(SynchronousTestCase):
    """A registered terminal of a process that is pressed, or not."""

    def setUp(self) -> None:
        """It has registered, and its process is pressed."""
        self.begin(Settings())

    def begin(self, settings: Settings) -> None:
        """Settings may differ."""
        self.stand = Stand(settings)
        self.terminal = Dialled(self.stand)
        self.terminal.reg()
        self.press(3)

    def press(self, times: int, late: float = 1.0) -> None:
        """The reactor was late so many times."""
        for _ in range(times):
            self.stand.services.pressure.measure(late)

    def asks(self, **message: Any) -> Any:
        """The result of one request."""
        before = len(self.terminal.wire.messages())
        self.terminal.says(**message)
        answers = self.terminal.wire.messages()[before:]
        self.assertEqual([answer["ret"] for answer in answers], [message["cmd"]])
        return answers[0]["result"]

    def yielded(self, what: str) -> float:
        """How often this gave way."""
        return self.stand.count(f'tfserver_yielded_total{{what="{what}"}}')

    def punch(self, **more: Any) -> dict[str, Any]:
        """One punch as it is sent."""
        log = {"enrollid": 17, "time": "2026-04-02 08:15:00", "mode": 8, "inout": 0, "event": 0, **more}
        return {"cmd": "sendlog", "sn": SN, "count": 1, "logindex": 4, "record": [log]}


class UserTests(HeavyCase):
    """Users, large and small."""

    def test_pressed(self) -> None:
        """While the process is pressed users are refused, and nothing is kept of them."""
        self.assertFalse(self.asks(**USER, record="AAAA"))
        self.assertFalse(self.asks(**USER, record=PICTURE))
        self.assertEqual(self.stand.users.calls, [])
        self.assertEqual((self.yielded("senduser"), self.yielded("heavy message")), (1, 1))

    def test_refused_unread(self) -> None:
        """A large one is not even read: what is no message behind its beginning is refused as well."""
        self.terminal.link.received(b'{"cmd":"senduser",' + b"x" * HEAVY_BYTES)
        self.assertEqual(self.terminal.last(), {"ret": "senduser", "result": False, "reason": 1})

    def test_at_ease_again(self) -> None:
        """At ease again they are kept."""
        self.press(3, late=0.0)
        self.assertTrue(self.asks(**USER, record="AAAA"))
        self.assertEqual(len(self.stand.users.asked("put")), 1)


class PunchTests(HeavyCase):
    """Punches are never refused for others' sake."""

    def test_small(self) -> None:
        """A punch is kept, however hard the process is pressed."""
        self.assertTrue(self.asks(**self.punch()))

    def test_picture_that_is_dropped(self) -> None:
        """A punch whose picture is not kept anyhow is no burden."""
        self.assertTrue(self.asks(**self.punch(image=PICTURE)))

    def test_picture_that_is_kept(self) -> None:
        """Where pictures are kept, a punch with one waits at its terminal; without it is kept."""
        self.begin(Settings(punches=Punches(images=Images.KEEP)))
        self.assertFalse(self.asks(**self.punch(image=PICTURE)))
        self.assertEqual(self.yielded("heavy message"), 1)
        self.assertTrue(self.asks(**self.punch()))


class OrderTests(HeavyCase):
    """What is not refused, or not before its turn."""

    def test_replies(self) -> None:
        """A reply to a command is no request, however long it is."""
        before = len(self.terminal.wire.messages())
        self.terminal.says(ret="getuserinfo", result=True, record=PICTURE)
        self.assertEqual(len(self.terminal.wire.messages()), before)
        self.assertEqual(self.yielded("heavy message"), 0)

    def test_reg(self) -> None:
        """A reg is answered, however much it tells."""
        self.assertTrue(self.asks(cmd="reg", sn=SN, devinfo={"modelname": PICTURE}))

    def test_before_reg(self) -> None:
        """Before its reg a terminal is told no, as always."""
        stranger = Dialled(self.stand, connection="c2")
        stranger.says(**USER, record=PICTURE)
        self.assertFalse(stranger.last()["result"])
        self.assertEqual(self.yielded("heavy message"), 0)

    def test_behind_another(self) -> None:
        """Answers come in the order of the requests, also when the second is refused at once."""
        self.press(3, late=0.0)
        keeping: Deferred[None] = Deferred()
        self.stand.users.given["put"] = keeping
        self.terminal.says(**USER, record="AAAA")
        self.press(3)
        before = len(self.terminal.wire.messages())
        self.terminal.says(**USER, record=PICTURE)
        self.assertEqual(len(self.terminal.wire.messages()), before)
        keeping.callback(None)
        answers = self.terminal.wire.messages()[before:]
        self.assertEqual([answer["result"] for answer in answers], [True, False])

    def test_spaces(self) -> None:
        """Its beginning may be written with spaces."""
        text = json.dumps({**USER, "record": PICTURE}, indent=2)
        self.terminal.link.received(text.encode())
        self.assertFalse(self.terminal.last()["result"])
        self.assertEqual(self.yielded("heavy message"), 1)
