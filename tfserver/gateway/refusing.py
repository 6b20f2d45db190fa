"""The answer to a request that could not be kept."""

from __future__ import annotations

from typing import Final

from twisted.internet.defer import CancelledError, TimeoutError
from twisted.logger import Logger
from twisted.python.failure import Failure

from tfserver.commands.context import Context
from tfserver.errors import StoreError
from tfserver.store.punches import QuarantineFull
from tfserver.wire.message import Response

AWAY: Final = Response(False, "Server busy, try again later")
_log: Final = Logger()


def refusal(word: str, wrong: Exception, context: Context) -> Response:
    """It is never acknowledged; the terminal keeps what it has and comes again."""
    metrics = context.services.metrics
    if isinstance(wrong, QuarantineFull):
        metrics.quarantine_full += 1
        _log.error("{sn}: the quarantine is full, nothing is acknowledged", **context.about)
    elif isinstance(wrong, StoreError | TimeoutError | CancelledError):
        metrics.store_failures += 1
    else:
        _log.failure("our own mistake in {word}", Failure(wrong), word=word, **context.about)
    return AWAY if word == "reg" else Response(False)
