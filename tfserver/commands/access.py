"""Terminals that ask the server whether somebody may pass (protocol §4.4)."""

from __future__ import annotations

from tfserver.commands.context import Context
from tfserver.wire.message import Request, Response
from tfserver.wire.table import handles


class SendQrCode(Request):
    """A QR code was held before the reader."""

    record: str = ""


@handles(SendQrCode)
async def sendqrcode(_: SendQrCode, terminal: Context) -> Response:
    """Nobody is let in by a code: we know none."""
    return Response(fields={"access": 0})
