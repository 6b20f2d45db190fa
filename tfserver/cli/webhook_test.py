"""Try out a receiver of webhooks with signed messages of all kinds; needs no server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from tfserver.cli.findings import Finding, report
from tfserver.cli.outcome import Failed
from tfserver.cli.output import People, Tell, prints, progress
from tfserver.cli.webhooks import SECRET_ENV

if TYPE_CHECKING:
    from tfserver.cli.scenes import Scenes


@click.command("webhook-test")
@click.argument("url")
@click.option("--secret", envvar=SECRET_ENV, show_envvar=True, help="The secret that the receiver knows.")
@click.option(
    "--seconds", type=click.FloatRange(0.1, 600), default=15.0, show_default=True, help="For each answer."
)
@prints
def command(url: str, secret: str | None, seconds: float, out: People) -> int:
    """Send a receiver what a server would send it on a bad day, and say how it coped.

    Made-up punches of a terminal TEST-…: a good one, repeats, disorder, an old backlog, large batches, names
    in all letters, fields and types of the future; and forged ones, which it has to refuse with 4xx. Exit
    status 1 when it would lose punches, or takes forged ones. The punches stay in its books: use one that is
    for tests.

    \b
      TFSERVER_WEBHOOK_SECRET=whsec_… tfserver webhook-test https://hr.example/punches
    """
    import secrets
    import time

    from tfserver.cli.scenes import Scenes
    from tfserver.cli.stores import run_to_end
    from tfserver.delivery.signing import BadSecret, secret_bytes

    if not secret:
        raise Failed(f"give --secret or set {SECRET_ENV}: the one that the receiver knows")
    try:
        secret_bytes(secret)
    except BadSecret as wrong:
        raise Failed(f"the secret: {wrong}") from wrong
    scenes = Scenes(secret, time.time(), secrets.token_hex(4).upper())
    with progress("trying out the receiver") as tell:

        async def run(reactor: Any) -> list[Finding]:
            """All of it."""
            return await _tried_out(reactor, url, scenes, seconds, tell)

        found = run_to_end(run)
    return report(out, found)


async def _tried_out(reactor: Any, url: str, scenes: Scenes, seconds: float, tell: Tell) -> list[Finding]:
    from tfserver.cli.rehearsal import reachable, rehearse
    from tfserver.config import Webhooks
    from tfserver.delivery.names import Names
    from tfserver.delivery.sending import Sender

    sender = Sender(reactor, Webhooks(allow_private=True, seconds=seconds))
    address = await reachable(Names(reactor, allow_private=False), url)
    try:
        return [address, *await rehearse(reactor, sender, url, scenes, tell)]
    finally:
        await sender.stop()
