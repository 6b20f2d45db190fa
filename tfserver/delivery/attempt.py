"""One request to a receiver, signed, and what its answer means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple, Protocol

from tfserver.delivery.sending import SendFailed, Sent
from tfserver.delivery.signing import signed
from tfserver.delivery.verdict import TELL_WHEN, Verdict, verdict_on

_JSON: Final = {"content-type": "application/json"}


class Sends(Protocol):
    """What posts to a receiver."""

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Sent:
        """Send these very bytes. Raises SendFailed when no whole answer came."""


class Answer(NamedTuple):
    """What became of a request: ``status`` is None when no answer came, ``why`` says it in words, and
    ``retry_after`` is for how many seconds the receiver wants to be left alone, if it said."""

    verdict: Verdict
    status: int | None
    why: str
    retry_after: float | None = None


async def attempt(
    sender: Sends, url: str, secrets: Sequence[str], message: tuple[str, bytes], now: float
) -> Answer:
    """Post a message, which is its id and its body, and judge the answer."""
    message_id, body = message
    headers = {**_JSON, **signed(message_id, int(now), body, secrets)}
    try:
        sent = await sender.post(url, headers, body)
    except SendFailed as failed:
        return Answer(Verdict.LATER, None, str(failed))
    retry_after = sent.retry_after if sent.status in TELL_WHEN else None
    return Answer(verdict_on(sent.status), sent.status, f"it answered {sent.status}", retry_after)
