"""What ``webhook-test`` sends: made-up punches in the form in which real ones are delivered."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

import msgspec

from tfserver.delivery import message, signing
from tfserver.delivery.message import Message
from tfserver.model import Clock, Kind, Punch, punch_uid, rfc3339

LARGE: Final = 1000
BACKLOG: Final = timedelta(days=3)
OLD_SECONDS: Final = 3600
_EVERYTHING: Final = message.Wanted(frozenset(), frozenset())


class Wish(enum.Enum):
    """What a receiver has to do with a request: take it; refuse it; refuse it, if it is careful."""

    TAKE = "take"
    REFUSE = "refuse"
    SHOULD_REFUSE = "should refuse"


class Scene(NamedTuple):
    """One request: what it is about, its headers and body, what is wished, and what to do when that fails."""

    about: str
    wish: Wish
    headers: dict[str, str]
    body: bytes
    advice: str


class Scenes:
    """All requests of one run. ``run`` makes the punches others than those of the run before."""

    def __init__(self, secret: str, now: float, run: str) -> None:
        self._secret = secret
        self._now = now
        self.sn = f"TEST-{run}"
        """The terminal that there is not."""
        self._count = 0
        self.uids: set[str] = set()
        """Of the punches that have to be in the receiver's books afterwards, each once."""

    def all(self) -> list[Scene]:
        """In the order in which they are sent."""
        first = self._punch()
        return [
            self._single("a punch", first, "it has to answer 2xx within the deadline"),
            self._single("the same again", first, "a repeat is no error: answer 2xx and keep one"),
            *self._disorder(),
            self._backlog(),
            self._repeat_inside(),
            self._names(),
            *self._unknown(),
            self._large(),
            self._rotation(),
            *self._forged(),
            self._stale(),
        ]

    def _punch(self, ago: timedelta = timedelta(), **fields: Any) -> Message:
        self._count += 1
        when = datetime.fromtimestamp(self._now, UTC) - ago - timedelta(seconds=LARGE * 2 - self._count)
        shown = f"{when:%Y-%m-%d %H:%M:%S}"
        uid = punch_uid(self.sn, 1000 + self._count, shown, 1, 0, 0)[0]
        self.uids.add(uid)
        punch = Punch(
            uid=uid, sn=self.sn, site="Test", kind=Kind.PUNCH, enrollid=1000 + self._count, external_id=None,
            device_time=shown, time=rfc3339(when), utc=rfc3339(when), offset_ms=0, received=rfc3339(when),
            mode=1, verify="fingerprint", inout=0, event=0, temp=None, clock=Clock.OK, extra={},
        )  # fmt: skip
        body = msgspec.json.encode({**msgspec.to_builtins(punch), **fields}).decode()
        made = message.punch_message(f"{int(when.timestamp() * 1000)}-{self._count}", body, _EVERYTHING)
        assert made is not None
        return made

    def _scene(self, about: str, sent: tuple[str, bytes], advice: str, *secrets: str) -> Scene:
        """A request that has to be taken."""
        message_id, body = sent
        headers = self._signed(message_id, body, *(secrets or (self._secret,)))
        return Scene(about, Wish.TAKE, headers, body, advice)

    def _signed(self, message_id: str, body: bytes, *secrets: str, late: int = 0) -> dict[str, str]:
        signed = signing.signed(message_id, int(self._now) - late, body, secrets)
        return {"Content-Type": "application/json", **signed}

    def _single(self, about: str, punch: Message, advice: str) -> Scene:
        return self._scene(about, message.single(punch), advice)

    def _batch(self, about: str, punches: Sequence[Message], advice: str) -> Scene:
        return self._scene(about, message.batch(punches), advice)

    def _disorder(self) -> list[Scene]:
        earlier, later = self._punch(), self._punch()
        advice = "terminals send late what they recorded early: order by 'utc', not by arrival"
        return [
            self._single("a later punch", later, advice),
            self._single("an earlier one behind it", earlier, advice),
        ]

    def _backlog(self) -> Scene:
        punches = [self._punch(BACKLOG) for _ in range(20)]
        advice = "a terminal that was offline brings old punches; only 'webhook-timestamp' has to be new"
        return self._batch("a backlog of three days ago", punches, advice)

    def _repeat_inside(self) -> Scene:
        one, other = self._punch(), self._punch()
        return self._batch("a repeat within a batch", [one, other, one], "keep one of each 'uid'")

    def _names(self) -> Scene:
        punch = self._punch(site="Évora / 東京 🚪", external_id="Žofia O’Neill <ö>")
        return self._single("names with all kinds of letters", punch, "read the body as UTF-8, of any length")

    def _unknown(self) -> list[Scene]:
        punch = self._punch(later_field={"a": [1, None]}, direction="in")
        event = f'{{"event":"of-the-future","sn":"{self.sn}","site":"Test","at":"{rfc3339(self._when())}"}}'
        made = message.event_message(f"{int(self._now * 1000)}-0", event, _EVERYTHING)
        assert made is not None
        return [
            self._single("fields nobody knows yet", punch, "pass over fields that you don't know"),
            self._single("a type nobody knows yet", made, "answer 2xx to types that you don't know"),
        ]

    def _when(self) -> datetime:
        return datetime.fromtimestamp(self._now, UTC)

    def _large(self) -> Scene:
        punches = [self._punch() for _ in range(LARGE)]
        advice = "a body may have 2 MB: raise the limit of your server or proxy, or make the batch smaller"
        return self._batch(f"a batch of {LARGE}", punches, advice)

    def _rotation(self) -> Scene:
        advice = "while a secret is changed there are two signatures with a space between: one has to fit"
        sent = message.single(self._punch())
        return self._scene(
            "two signatures, one of them yours", sent, advice, signing.new_secret(), self._secret
        )

    def _forged(self) -> list[Scene]:
        """Requests that nobody with the secret has made. Their punches must not be kept."""
        known = set(self.uids)
        other, spaced, bare = (message.single(self._punch()) for _ in range(3))
        self.uids = known
        plain = {"Content-Type": "application/json"}
        advice = (
            "anybody could send you punches: answer 401 unless a signature fits the very bytes of the body"
        )
        return [
            Scene("a signature with another secret", Wish.REFUSE,
                  self._signed(*other, signing.new_secret()), other[1], advice),
            Scene("a body that was changed after signing", Wish.REFUSE,
                  self._signed(*spaced, self._secret), spaced[1].replace(b'":', b'": ', 1), advice),
            Scene("no signature", Wish.REFUSE, plain, bare[1], advice),
        ]  # fmt: skip

    def _stale(self) -> Scene:
        known = set(self.uids)
        message_id, body = message.single(self._punch())
        self.uids = known
        headers = self._signed(message_id, body, self._secret, late=OLD_SECONDS)
        advice = (
            "who has recorded a request can send it again for ever: refuse timestamps older than 5 minutes"
        )
        return Scene("a timestamp of an hour ago", Wish.SHOULD_REFUSE, headers, body, advice)
