"""Make a token for the HTTP API, list or revoke them. The store keeps hashes only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from tfserver.cli.api import Api, asks_server, path_of, rows_in
from tfserver.cli.output import Column, People, prints
from tfserver.cli.stores import Place, run_to_end, uses_store, with_client

if TYPE_CHECKING:
    from tfserver.store.tokens import Token

ROLES = ("admin", "operator", "reader")
MOST_NAME = 100
COLUMNS = (
    Column("id", lambda token: token["id"]),
    Column("role", lambda token: token["role"]),
    Column("name", lambda token: token.get("name")),
    Column("sites", lambda token: ", ".join(token.get("sites") or ()) or "all"),
    Column("templates", lambda token: "yes" if token.get("templates") else None),
    Column("created", lambda token: token.get("created")),
    Column("by", lambda token: token.get("created_by")),
)


@click.group("token", no_args_is_help=False)
def command() -> None:
    """Make, list or revoke tokens for the HTTP API."""


def visible(_: click.Context, param: click.Parameter, value: Any) -> Any:
    """Names stand in the audit and in logs."""
    for text in value if isinstance(value, tuple) else (value,):
        if not text.isprintable() or len(text) > MOST_NAME or (not text and isinstance(value, tuple)):
            raise click.BadParameter(f"expected at most {MOST_NAME} visible characters", param=param)
    return value


@command.command("create")
@click.option("--role", type=click.Choice(ROLES), default="reader", show_default=True, help="What it allows.")
@click.option(
    "--site",
    "sites",
    multiple=True,
    metavar="SITE",
    callback=visible,
    help="Only this site; give it several times.",
)
@click.option("--name", default="", callback=visible, help="Whose it is, for the list and the audit.")
@click.option("--templates", is_flag=True, help="It may have what stands in credentials, audited.")
@uses_store
@prints
def create(place: Place, out: People, role: str, sites: tuple[str, ...], name: str, templates: bool) -> None:
    """Make a token, directly in the store, and print it alone. It is shown only once.

    \b
      tfserver token create --role operator --name "front desk" --site Lisbon
      tfserver token create --redis redis://db.example --role admin
    """
    settings = place.settings()

    async def issue(reactor: Any) -> tuple[str, Token]:
        """Enter it."""
        from tfserver.store.principals import Role
        from tfserver.store.tokens import Token, Tokens, new_token

        now_ms = round(reactor.seconds() * 1000)
        wanted, made = Token("", Role(role), now_ms, name, sites, templates=templates), new_token()
        return made, await with_client(reactor, settings, lambda client: Tokens(client).issue(made, wanted))

    token, entry = run_to_end(issue)
    told = {"token": token, "id": entry.id, "role": role, "sites": list(sites), "name": name}
    out.said(token, {**told, "templates": templates})


@command.command("list")
@asks_server
@prints
def listing(server: Api, out: People) -> None:
    """All tokens that are accepted; the tokens themselves nobody knows any more."""
    out.rows(rows_in(server.get("/tokens")), COLUMNS, "no tokens")


@command.command("revoke")
@click.argument("ids", metavar="ID...", nargs=-1, required=True)
@asks_server
@prints
def revoke(server: Api, out: People, ids: tuple[str, ...]) -> None:
    """Accept tokens no longer, from now on and everywhere."""
    for token_id in ids:
        server.delete(path_of("tokens", token_id))
        out.said(f"{token_id}: revoked", {"id": token_id, "revoked": True})
