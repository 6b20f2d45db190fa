"""What terminals say stays out of the log: no records, passwords, names or pictures (design §2.2)."""

from __future__ import annotations

import json
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import LogEvent, eventAsText, globalLogPublisher

from tests.gateway.raw_frames import close, frame, text
from tests.gateway.stand_ins import SN
from tests.gateway.test_websocket import ConversationCase
from tfserver.errors import StoreUnavailable
from tfserver.store.punches import QuarantineFull

SECRET = "S3CR3TZQ"
NUMBER = 80_315_529
USER = {"cmd": "senduser", "sn": SN, "enrollid": 17, "name": f"Name {SECRET}", "backupnum": 0}
PASSWORD = {"cmd": "senduser", "sn": SN, "enrollid": 17, "name": "A", "backupnum": 10, "record": NUMBER}
PICTURE = {"enrollid": 17, "time": "2026-04-02 08:15:00", "image": f"data:image/jpeg;base64,{SECRET}"}


class SecretTests(ConversationCase):
    """All log events of conversations that carry secrets, at every level."""

    def setUp(self) -> None:
        """Collect what is logged."""
        super().setUp()
        self.logged: list[LogEvent] = []
        globalLogPublisher.addObserver(self.logged.append)
        self.addCleanup(globalLogPublisher.removeObserver, self.logged.append)

    def say(self, *messages: dict[str, Any] | bytes) -> None:
        """A terminal registers and says these."""
        peer = self.registered()
        for message in messages:
            peer.send(text(json.dumps(message) if isinstance(message, dict) else message))
        peer.send(close(1000))
        peer.lose()

    def assert_nothing_told(self) -> None:
        """No event holds a secret, neither as text nor in one of its values."""
        self.flushLoggedErrors()
        for event in self.logged:
            told = eventAsText(event, includeTraceback=True, includeSystem=True)
            told += "".join(repr(value) for key, value in event.items() if key != "log_logger")
            self.assertNotIn(SECRET, told)
            self.assertNotIn(str(NUMBER), told)

    def test_something_is_logged(self) -> None:
        """The collector sees what the gateway logs."""
        self.say({"cmd": "nosuchword", "sn": SN})
        self.assertTrue(any("nosuchword" in eventAsText(event) for event in self.logged))

    def test_accepted(self) -> None:
        """Records that are kept are not logged."""
        self.say({**USER, "record": SECRET}, PASSWORD, {"cmd": "sendlog", "sn": SN, "record": [PICTURE]})
        self.assert_nothing_told()

    def test_unreadable(self) -> None:
        """Fields, records and frames that can't be read are not logged either."""
        self.say(
            {**USER, "record": [SECRET]},
            {**USER, "admin": SECRET, "backupnum": SECRET, "record": SECRET},
            {**PASSWORD, "record": f"{NUMBER}{SECRET}"},
            {**PASSWORD, "enrollid": SECRET},
            {"cmd": "sendlog", "sn": SN, "logindex": SECRET, "record": [{"time": SECRET}, SECRET]},
            {"cmd": "sendqrcode", "sn": SN, "record": SECRET},
            {"cmd": "unknownword", "sn": SN, "record": SECRET, "password": NUMBER},
            {"cmd": "sendpin", "sn": SN, "pin": NUMBER},
            {"ret": "getuserinfo", "result": True, "record": SECRET, "name": SECRET},
            {"neither": SECRET},
            f'{{"cmd":"senduser","record":"{SECRET}",'.encode(),
            f'\0\0{{"cmd":"senduser","sn":"{SN}","enrollid":1,"record":{NUMBER},}}'.encode(),
        )
        self.assert_nothing_told()

    def test_store_failures(self) -> None:
        """A store that fails does not bring records into the log."""
        for failure in (StoreUnavailable("away"), QuarantineFull("full"), ValueError("odd"), Deferred()):
            self.stand.users.given["put"] = self.stand.punches.given["append"] = failure
            self.say({**USER, "record": SECRET}, PASSWORD)
            self.say({"cmd": "sendlog", "sn": SN, "record": [PICTURE, {"time": SECRET}]})
            self.clock.advance(2)
        self.assert_nothing_told()

    def test_protocol_errors(self) -> None:
        """Frames that break the WebSocket protocol are not logged with their payload."""
        for opcode, rsv in ((1, 1), (3, 0), (9, 2)):
            peer = self.registered()
            peer.send(frame(opcode, SECRET.encode(), rsv=rsv))
        peer = self.registered()
        peer.send(close(1005, SECRET.encode()))
        self.assert_nothing_told()
