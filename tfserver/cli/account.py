"""Accounts of people who sign in by name and password. The first is made in the store itself."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from tfserver.cli.api import Api, asks_server, path_of, rows_in
from tfserver.cli.outcome import Failed
from tfserver.cli.output import Column, People, prints
from tfserver.cli.stores import Place, run_to_end, uses_store, with_client
from tfserver.cli.token import ROLES, visible

if TYPE_CHECKING:
    from tfserver.store.accounts import Account

F = TypeVar("F", bound=Callable[..., Any])
COLUMNS: Final = (
    Column("name", lambda account: account["name"]),
    Column("role", lambda account: account["role"]),
    Column("sites", lambda account: ", ".join(account.get("sites") or ()) or "all"),
    Column("templates", lambda account: "yes" if account.get("templates") else None),
    Column("disabled", lambda account: "yes" if account.get("disabled") else None),
    Column("signed in", lambda account: account.get("signed_in")),
    Column("created", lambda account: account.get("created")),
    Column("by", lambda account: account.get("created_by")),
)
_MOST_READ: Final = 4096


@click.group("account", no_args_is_help=False)
def command() -> None:
    """Make, list, change or delete accounts of people."""


def _language(_: click.Context, param: click.Parameter, value: str | None) -> str | None:
    if not value:
        return value
    # imported when it is needed: help loads nothing slow
    from tfserver.store.accounts import LANGUAGE

    if not LANGUAGE.fullmatch(value):
        raise click.BadParameter("expected a language as in ar or pt-BR", param=param)
    return value


def _of_file(function: F) -> F:
    """Give a command ``--password-file``."""
    chosen: F = click.option(
        "--password-file",
        metavar="FILE",
        help="Take the password from the first line of this file, - for standard input.",
    )(function)
    return chosen


_SITES: Final = click.option(
    "--site",
    "sites",
    multiple=True,
    metavar="SITE",
    callback=visible,
    help="Only this site; give it several times.",
)
_TONGUE: Final = click.option(
    "--language", metavar="LANGUAGE", callback=_language, help="Of its pages; else the browser's."
)


@command.command("create")
@click.argument("name")
@click.option("--role", type=click.Choice(ROLES), default="reader", show_default=True, help="What it allows.")
@_SITES
@click.option("--templates", is_flag=True, help="It may have what stands in credentials, audited.")
@_TONGUE
@_of_file
@uses_store
@prints
def create(
    place: Place,
    out: People,
    name: str,
    role: str,
    sites: tuple[str, ...],
    templates: bool,
    language: str | None,
    password_file: str | None,
) -> None:
    """Make an account, directly in the store. It asks for the password.

    \b
      tfserver account create ines --role admin
      tfserver account create bo --role operator --site Lisbon --password-file /run/secrets/bo
    """
    settings, password = place.settings(), _password(password_file)

    async def make(reactor: Any) -> Account:
        """Enter it."""
        from twisted.internet.threads import deferToThread

        from tfserver.store.accounts import Account, Accounts
        from tfserver.store.passwords import Passwords
        from tfserver.store.principals import Role

        now_ms = round(reactor.seconds() * 1000)
        told: dict[str, Any] = {"name": name, "sites": sites, "templates": templates}
        wanted = Account(id="", role=Role(role), created_ms=now_ms, language=language or "", **told)
        passwords = Passwords(deferToThread)
        return await with_client(
            reactor, settings, lambda client: Accounts(client, passwords).create(wanted, password)
        )

    made = run_to_end(make)
    found = {"name": made.name, "role": role, "sites": list(sites), "templates": templates}
    out.said(f"{made.name}: made, with role {role}", {**found, "language": language})


@command.command("list")
@asks_server
@prints
def listing(server: Api, out: People) -> None:
    """All accounts, and when each signed in last."""
    out.rows(rows_in(server.get("/accounts")), COLUMNS, "no accounts")


@command.command("show")
@click.argument("name")
@asks_server
@prints
def show(server: Api, out: People, name: str) -> None:
    """One account."""
    out.details([server.get(path_of("accounts", name))])


@command.command("change")
@click.argument("name")
@click.option("--role", type=click.Choice(ROLES), help="What it allows.")
@_SITES
@click.option("--all-sites", is_flag=True, help="It reaches all sites.")
@click.option("--templates/--no-templates", default=None, help="Whether it may have what credentials hold.")
@_TONGUE
@click.option("--disable/--enable", "disabled", default=None, help="Whether it is kept from signing in.")
@click.option("--password", "asks", is_flag=True, help="Ask for another password.")
@_of_file
@asks_server
@prints
def change(
    server: Api, out: People, name: str, asks: bool, password_file: str | None, **options: Any
) -> None:
    """Change what an account may do, from now on and everywhere; or give it another password.

    \b
      tfserver account change ines --role operator --site Lisbon --site Porto
      tfserver account change ines --password
      tfserver account change ines --disable
    """
    wanted = {key: options[key] for key in ("role", "templates", "disabled") if options[key] is not None}
    if options["sites"] and options["all_sites"]:
        raise click.UsageError("--site or --all-sites, not both")
    if options["sites"] or options["all_sites"]:
        wanted["sites"] = list(options["sites"])
    if options["language"] is not None:
        wanted["language"] = options["language"] or None
    if asks or password_file is not None:
        wanted["password"] = _password(password_file)
    if not wanted:
        raise click.UsageError("say what is to change")
    found = server.patch(path_of("accounts", name), wanted)
    out.said(f"{found['name']}: changed", found)


@command.command("delete")
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@asks_server
@prints
def delete(server: Api, out: People, names: tuple[str, ...]) -> None:
    """Let there be no such accounts any more: they are signed out everywhere."""
    for name in names:
        server.delete(path_of("accounts", name))
        out.said(f"{name}: deleted", {"name": name, "deleted": True})


@command.command("sign-out")
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@asks_server
@prints
def sign_out(server: Api, out: People, names: tuple[str, ...]) -> None:
    """Sign people out, at every browser; they may sign in again."""
    for name in names:
        server.delete(path_of("accounts", name, "sessions"))
        out.said(f"{name}: signed out", {"name": name, "signed_out": True})


def _password(path: str | None) -> str:
    """What somebody types twice without seeing it, or the first line of a file; never an argument, which all
    users of the machine can read."""
    if path is None:
        if not sys.stdin.isatty():
            raise click.UsageError("nobody is there to type a password: give --password-file")
        typed: str = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
        return typed
    try:
        if path == "-":
            text = sys.stdin.readline(_MOST_READ)
        else:
            with Path(path).open(encoding="utf-8") as file:
                text = file.readline(_MOST_READ)
    except (OSError, UnicodeDecodeError) as failed:
        raise Failed(f"{path} can't be read: {failed}") from failed
    return text.rstrip("\r\n")
