"""A receiver of webhooks tried out: what it was sent, and how it coped, in plain words."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final, Protocol

from tfserver.cli.findings import ATTENTION, OK, WRONG, Finding
from tfserver.cli.output import Tell
from tfserver.cli.scenes import Scene, Scenes, Wish
from tfserver.delivery.addresses import AddressRefused, BadUrl, read_url
from tfserver.delivery.names import HostUnknown, Names
from tfserver.delivery.sending import SendFailed, Sent
from tfserver.delivery.verdict import Verdict, verdict_on

SLOW_SECONDS: Final = 5.0


class Posts(Protocol):
    """What sends."""

    async def post(self, url: str, headers: dict[str, str], body: bytes) -> Sent:
        """Send these very bytes. Raises SendFailed."""


async def rehearse(reactor: Any, sender: Posts, url: str, scenes: Scenes, tell: Tell) -> list[Finding]:
    """Send everything, one after another, and judge the answers."""
    found: list[Finding] = []
    asked = scenes.all()
    for number, scene in enumerate(asked):
        begun = reactor.seconds()
        try:
            sent = await sender.post(url, scene.headers, scene.body)
        except SendFailed as failed:
            found.append(Finding(scene.about, WRONG, str(failed), scene.advice))
            if number == 0:
                # whatever comes next would fail alike
                return found
        else:
            found.append(judged(scene, sent, reactor.seconds() - begun))
        tell(number + 1, len(asked))
    found.append(_left(scenes, found))
    return found


def judged(scene: Scene, sent: Sent, seconds: float) -> Finding:
    """How a receiver coped with one request."""
    said = f"{sent.status} {_phrase(sent.status)}".strip()
    verdict = verdict_on(sent.status)
    if verdict is Verdict.STOP:
        return Finding(
            scene.about, WRONG, f"{said}: that ends the webhook", "answer 410 only to be left alone"
        )
    if scene.wish is not Wish.TAKE:
        return _refusal(scene, said, verdict)
    if verdict is not Verdict.ACCEPTED:
        becomes = (
            "it would be a dead letter" if verdict is Verdict.REFUSED else "it would be sent again and again"
        )
        return Finding(scene.about, WRONG, f"{said}: {becomes}", scene.advice)
    if seconds > SLOW_SECONDS:
        advice = "answer first and work later: deliveries have a deadline (webhooks.seconds)"
        return Finding(scene.about, ATTENTION, f"{said}, after {seconds:.1f} s", advice)
    return Finding(scene.about, OK, said)


def _refusal(scene: Scene, said: str, verdict: Verdict) -> Finding:
    if verdict is Verdict.REFUSED:
        return Finding(scene.about, OK, f"refused: {said}")
    if verdict is Verdict.LATER:
        advice = "answer 401: anything else than 4xx says that the receiver is broken"
        return Finding(scene.about, WRONG, f"{said}: not taken, but not refused either", advice)
    state = WRONG if scene.wish is Wish.REFUSE else ATTENTION
    return Finding(scene.about, state, f"taken: {said}", scene.advice)


def _left(scenes: Scenes, found: list[Finding]) -> Finding:
    """What nobody can see from outside."""
    told = f"look into your own books: {len(scenes.uids)} punches of {scenes.sn} should be there"
    if any(one.state == WRONG for one in found):
        return Finding("what was kept", ATTENTION, f"{told} once all of the above is right")
    return Finding("what was kept", OK, f"{told}, each 'uid' once, and no other")


async def reachable(names: Names, url: str) -> Finding:
    """Whether a server would send there as it comes."""
    try:
        target = read_url(url, names.allow_private)
        await names.addresses(target.host, target.port)
    except (BadUrl, AddressRefused) as wrong:
        return Finding("the address", ATTENTION, f"a server would not send there: {wrong}")
    except HostUnknown as wrong:
        return Finding("the address", WRONG, str(wrong))
    return Finding("the address", OK, f"{target.authority} is one that a server sends to")


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""
