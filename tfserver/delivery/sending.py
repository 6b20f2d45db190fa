"""One message to one receiver: posted, and how that was answered."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final, NamedTuple

from OpenSSL import SSL
from service_identity import VerificationError
from twisted.internet import error
from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.internet.interfaces import IConsumer
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from twisted.web import _newclient
from twisted.web.http import PotentialDataLoss
from twisted.web.http_headers import Headers
from twisted.web.iweb import IBodyProducer, IResponse
from zope.interface import implementer

from tfserver import __version__
from tfserver.config import Webhooks
from tfserver.delivery.addresses import AddressRefused, BadUrl, Target, read_url
from tfserver.delivery.connecting import Connector, Line
from tfserver.delivery.keeping import Kept
from tfserver.delivery.names import HostUnknown, Names
from tfserver.errors import TfserverError

MOST_BODY_BYTES: Final = 64 * 1024
"""What is read of the body of an answer; what it says does not matter."""
MOST_RETRY_SECONDS: Final = 86_400.0
_NOT_HEARD: Final = (
    _newclient.RequestNotSent,
    _newclient.RequestTransmissionFailed,
    _newclient.ResponseNeverReceived,
)


class Sent(NamedTuple):
    """A receiver answered. ``retry_after``: for how many seconds it wants to be left alone, if it said."""

    status: int
    retry_after: float | None


class SendFailed(TfserverError):
    """No whole answer came; the text says why, without secrets and without the URL."""


class Sender:
    """Posts to receivers, one for each process. Messages in order: who posts one waits before the next."""

    def __init__(self, reactor: Any, settings: Webhooks, names: Names | None = None) -> None:
        self._reactor = reactor
        self._settings = settings
        self._connector = Connector(reactor, names or Names(reactor, settings.allow_private))
        self._kept = Kept(reactor)

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Sent:
        """Send these very bytes, and hear how that is answered within the deadline. Raises SendFailed."""
        try:
            target = read_url(url, self._settings.allow_private)
        except BadUrl as wrong:
            raise SendFailed(str(wrong)) from wrong
        work = Deferred.fromCoroutine(self._posted(target, headers, body))
        work.addTimeout(self._settings.seconds, self._reactor, self._too_late)
        return await work

    async def stop(self) -> None:
        """Let go of all connections that nobody uses."""
        await self._kept.stop()

    def _too_late(self, found: Any, seconds: float) -> Any:
        if isinstance(found, Failure):
            raise SendFailed(f"no whole answer within {seconds:g} s")
        return found

    async def _posted(self, target: Target, headers: Mapping[str, str], body: bytes) -> Sent:
        try:
            return await self._over_some_line(target, headers, body)
        except (AddressRefused, HostUnknown) as failed:
            raise SendFailed(str(failed)) from failed
        except Exception as failed:
            if _was_given_up(failed):
                raise CancelledError() from failed
            raise SendFailed(why(failed)) from failed

    async def _over_some_line(self, target: Target, headers: Mapping[str, str], body: bytes) -> Sent:
        line = self._kept.take(target)
        if line is not None:
            try:
                return await self._over(line, headers, body)
            except _NOT_HEARD as failed:
                # Closed between two requests, as receivers do with idle connections. Whoever did get this one
                # knows it again by its id.
                if _was_given_up(failed):
                    raise
        return await self._over(await self._connector.connect(target), headers, body)

    async def _over(self, line: Line, headers: Mapping[str, str], body: bytes) -> Sent:
        """One request and its whole answer; a line on which anything went wrong is not used again."""
        target = line.target
        told = Headers({name: [value] for name, value in headers.items()})
        told.setRawHeaders("host", [target.authority])
        told.setRawHeaders("user-agent", [f"tfserver/{__version__}"])
        try:
            request = _newclient.Request(b"POST", target.path.encode(), told, _Bytes(body), persistent=True)
            answer: IResponse = await line.request(request)
            await _end_of(answer)
            if line.is_free:
                self._kept.keep(line)
            else:
                line.hang_up()
        except BaseException:
            line.hang_up()
            raise
        return Sent(answer.code, retry_after(answer.headers, self._reactor.seconds()))


@implementer(IBodyProducer)
class _Bytes:
    """A body that is there already."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self.length = len(body)

    def startProducing(self, consumer: IConsumer) -> Deferred[None]:
        """All at once."""
        consumer.write(self._body)
        return succeed(None)

    def pauseProducing(self) -> None:
        """It is all written."""

    def resumeProducing(self) -> None:
        """It is all written."""

    def stopProducing(self) -> None:
        """It is all written."""


class _Reader(Protocol):
    """Waits for the end of a body. An answer that is cut off is none: its sender may have failed half-way."""

    transport: Any

    def __init__(self, ended: Deferred[None]) -> None:
        self._ended: Deferred[None] | None = ended
        self._read = 0

    def dataReceived(self, data: bytes) -> None:
        """Throw it away. Of a body without end the status is enough."""
        self._read += len(data)
        if self._read > MOST_BODY_BYTES:
            self._end(None)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The body is over, or the connection is."""
        self._end(None if reason.check(_newclient.ResponseDone, PotentialDataLoss) else reason)

    def _end(self, failed: Failure | None) -> None:
        ended, self._ended = self._ended, None
        if ended is not None:
            ended.callback(None) if failed is None else ended.errback(failed)


def _end_of(answer: IResponse) -> Deferred[None]:
    ended: Deferred[None] = Deferred()
    answer.deliverBody(_Reader(ended))
    return ended


def retry_after(headers: Headers, now: float) -> float | None:
    """For how many seconds a receiver wants to be left alone, at most a day; None if it did not say, or in
    none of the two forms of RFC 9110 §10.2.3. A date is compared with the receiver's own."""
    found = _header(headers, "retry-after")
    if found.isascii() and found.isdigit():
        return min(float(found[:9]), MOST_RETRY_SECONDS)
    until, theirs = _instant(found), _instant(_header(headers, "date"))
    if until is None:
        return None
    since = datetime.fromtimestamp(now, UTC) if theirs is None else theirs
    return min(max((until - since).total_seconds(), 0.0), MOST_RETRY_SECONDS)


def _header(headers: Headers, name: str) -> str:
    found = headers.getRawHeaders(name.encode()) or [b""]
    return found[0].decode("latin-1").strip()


def _instant(text: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found


_WORDS: Final[tuple[tuple[type[Exception], str], ...]] = (
    (VerificationError, "its certificate is for another host"),
    (error.ConnectionRefusedError, "the connection was refused"),
    (error.TimeoutError, "no connection came about in time"),
    (error.NoRouteError, "there is no way to this address"),
    (error.ConnectError, "no connection came about"),
    (error.ConnectionClosed, "the connection was closed before the answer was whole"),
    (_newclient.ParseError, "the answer is no HTTP"),
)


def _was_given_up(failed: BaseException) -> bool:
    """Whether nobody waits for it any more; below HTTP that looks like a broken connection."""
    causes = getattr(failed, "reasons", ())
    return isinstance(failed, CancelledError) or any(_was_given_up(cause.value) for cause in causes)


def why(failed: BaseException) -> str:
    """In plain words why nothing came of a request; never what was sent, and never what came back."""
    for reason in getattr(failed, "reasons", ()):
        told = why(reason.value)
        if told:
            return told
    if isinstance(failed, SSL.Error):
        told = (
            "; ".join(str(part[-1]) for part in failed.args[0][:2]) if failed.args and failed.args[0] else ""
        )
        return f"no TLS: {told or 'the connection was closed'}"
    for kind, words in _WORDS:
        if isinstance(failed, kind):
            return words
    return type(failed).__name__
