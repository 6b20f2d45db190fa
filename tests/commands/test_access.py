"""Terminals that ask whether somebody may pass (protocol §4.4)."""

from __future__ import annotations

import json

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from tests.commands.kept import AWAY, SN, Desk
from tfserver.commands.access import SendQrCode, sendqrcode
from tfserver.wire import codec
from tfserver.wire.message import Response


class QrCodeTests(SynchronousTestCase):
    """QR codes."""

    def test_nobody_passes(self) -> None:
        """Every code is answered true and opens nothing, under every policy and without the store."""
        for policy in ("none", "known", "deny"):
            desk = Desk(terminals__access=policy).admit()
            desk.terminals.failure = desk.users.failure = desk.punches.failure = AWAY
            for code in ("V-20931", "", "7"):
                asked = Deferred.fromCoroutine(sendqrcode(SendQrCode(record=code), desk.context))
                self.assertEqual(self.successResultOf(asked), Response(fields={"access": 0}))

    def test_code_as_number(self) -> None:
        """A code that comes as a number is read as its text."""
        frame = codec.decode(json.dumps({"cmd": "sendqrcode", "sn": SN, "record": 20931}).encode())
        assert isinstance(frame, codec.Frame)
        request, unreadable = codec.read(SendQrCode, frame)
        self.assertEqual((request, unreadable), (SendQrCode(sn=SN, record="20931"), ()))
