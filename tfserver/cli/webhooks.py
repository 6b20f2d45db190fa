"""Who is told of punches and events: list, make, pause, resume, remove; what was refused."""

from __future__ import annotations

from typing import Any, Final

import click

from tfserver.cli.api import Api, asks_server, path_of, rows_in
from tfserver.cli.groups import UsualGroup
from tfserver.cli.outcome import Failed
from tfserver.cli.output import Column, People, Row, prints

KINDS: Final = ("punch", "door", "stranger", "terminal")
SECRET_ENV: Final = "TFSERVER_WEBHOOK_SECRET"


def state_of(webhook: Row) -> str:
    """One word for how a webhook stands."""
    if webhook["state"] == "active" and webhook["health"]["failing_since"]:
        return "failing"
    return str(webhook["state"])


def behind(webhook: Row) -> str:
    """How long the oldest message waits, in the largest unit that fits."""
    seconds = float(webhook["health"]["behind_seconds"])
    for unit, size in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


COLUMNS: Final = (
    Column("id", lambda webhook: webhook["id"]),
    Column("state", state_of),
    Column("behind", behind),
    Column("dead letters", lambda webhook: webhook["health"]["dead"]),
    Column("kinds", lambda webhook: ", ".join(webhook["kinds"]) or "all"),
    Column("sites", lambda webhook: ", ".join(webhook["sites"]) or "all"),
    Column("url", lambda webhook: webhook["url"]),
    Column("trouble", lambda webhook: webhook["health"]["last_error"]),
)
DEAD: Final = (
    Column("id", lambda letter: letter["id"]),
    Column("at", lambda letter: letter["at"]),
    Column("message", lambda letter: letter["message_id"]),
    Column("status", lambda letter: letter["status"]),
    Column("why", lambda letter: letter["why"]),
)
_ids: Final = click.argument("ids", metavar="ID...", nargs=-1, required=True)


@click.group("webhooks", cls=UsualGroup)
def command() -> None:
    """Webhooks: who is told of punches and events, and how that goes. Alone it lists them.

    \b
      tfserver webhooks add https://hr.example/punches --kind punch --batch 100
      tfserver webhooks pause 5b2f0c9e1a7d4e21
      tfserver webhooks redeliver 5b2f0c9e1a7d4e21 --all
    """


@command.command("list")
@asks_server
@prints
def listing(server: Api, out: People) -> None:
    """A line for each webhook."""
    out.rows(rows_in(server.get("/webhooks")), COLUMNS, "no webhooks")


@command.command("show")
@_ids
@asks_server
@prints
def show(server: Api, out: People, ids: tuple[str, ...]) -> None:
    """Everything that is known of a webhook; its secret nobody is told again."""
    out.details([server.get(path_of("webhooks", webhook_id)) for webhook_id in ids])


@command.command("add")
@click.argument("receiver", metavar="RECEIVER")
@click.option("--kind", "kinds", multiple=True, type=click.Choice(KINDS), help="Only this; several times.")
@click.option("--site", "sites", multiple=True, metavar="SITE", help="Only of this site; several times.")
@click.option(
    "--batch", type=click.IntRange(1, 1000), default=1, show_default=True, help="Messages in a request."
)
@click.option("--after", metavar="PLACE", help="Begin behind this place in the feed; 0-0 is its beginning.")
@click.option("--secret", envvar=SECRET_ENV, show_envvar=True, help="whsec_…; made by the server without.")
@asks_server
@prints
def add(server: Api, out: People, receiver: str, **options: Any) -> None:
    """Make a webhook to the URL of a receiver. A secret that the server makes is shown this once."""
    body = {name: list(value) if isinstance(value, tuple) else value for name, value in options.items()}
    made = server.post("/webhooks", {"url": receiver, **{k: v for k, v in body.items() if v is not None}})
    out.details([{name: made[name] for name in ("id", "url", "state", "kinds", "sites", "batch", "secret")}])


@command.command("pause")
@_ids
@asks_server
@prints
def pause(server: Api, out: People, ids: tuple[str, ...]) -> None:
    """Send nothing for now; what comes meanwhile is sent later."""
    _set(server, out, ids, "paused")


@command.command("resume")
@_ids
@asks_server
@prints
def resume(server: Api, out: People, ids: tuple[str, ...]) -> None:
    """Send again from where it stands; also after the receiver said that it wants no more (410)."""
    _set(server, out, ids, "active")


@command.command("rotate")
@click.argument("webhook_id", metavar="ID")
@click.option("--secret", envvar=SECRET_ENV, show_envvar=True, help="whsec_…; made by the server without.")
@asks_server
@prints
def rotate(server: Api, out: People, webhook_id: str, secret: str | None) -> None:
    """Sign with another secret. The old one signs beside it for a day."""
    changed = server.patch(path_of("webhooks", webhook_id), {"secret": secret})
    out.details([{name: changed[name] for name in ("id", "secret", "old_secret_until")}])


@command.command("remove")
@_ids
@asks_server
@prints
def remove(server: Api, out: People, ids: tuple[str, ...]) -> None:
    """Forget webhooks, and their dead letters."""
    for webhook_id in ids:
        server.delete(path_of("webhooks", webhook_id))
        out.said(f"{webhook_id}: removed", {"id": webhook_id, "removed": True})


@command.command("dead")
@click.argument("webhook_id", metavar="ID")
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True, help="At most so many.")
@asks_server
@prints
def dead(server: Api, out: People, webhook_id: str, limit: int) -> None:
    """Messages that the receiver refused for good, the oldest first; --json prints them whole."""
    found: list[Row] = []
    for page in server.pages(path_of("webhooks", webhook_id, "dead-letters"), limit=min(limit, 1000)):
        found += page
        if len(found) >= limit:
            break
    out.rows(found[:limit], DEAD, "no dead letters")


@command.command("redeliver")
@click.argument("webhook_id", metavar="ID")
@click.argument("letters", metavar="[LETTER]...", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="All of them.")
@asks_server
@prints
def redeliver(server: Api, out: People, webhook_id: str, letters: tuple[str, ...], everything: bool) -> None:
    """Send dead letters again: those that are named, or all."""
    if bool(letters) == everything:
        raise Failed("name dead letters, as 'tfserver webhooks dead' lists them, or give --all")
    body = {} if everything else {"ids": list(letters)}
    told = server.post(path_of("webhooks", webhook_id, "redeliver"), body)
    out.said(f"{webhook_id}: {told['messages']} messages are sent again", {"id": webhook_id, **told})


def _set(server: Api, out: People, ids: tuple[str, ...], state: str) -> None:
    changed = [server.patch(path_of("webhooks", webhook_id), {"state": state}) for webhook_id in ids]
    out.rows(changed, COLUMNS, "no webhooks")
