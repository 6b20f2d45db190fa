"""Say why a terminal does not appear, and what else is wrong, in plain words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

import click

from tfserver.cli import cause, diagnosis
from tfserver.cli.api import Api, asks_server, known_terminals, path_of, rows_in
from tfserver.cli.findings import ATTENTION, OK, WRONG, Finding, report
from tfserver.cli.handshake import PORT, NoHandshake, shake_hands
from tfserver.cli.outcome import UNREACHABLE, Failed
from tfserver.cli.output import People, Row, prints, waiting
from tfserver.cli.terminals import state_of

HARMLESS: Final = ("mended frame", "stray reply", "unknown word")
"""Notes of oddities that were dealt with."""
ORDERS: Final = 1000
PUNCHES: Final = 1000
MOST_HANDSHAKES: Final = 5
RECENT: Final = timedelta(days=3)
"""Punches dated so far back are looked at: those of a wrong clock too."""
Counts = dict[str, dict[str, float]]
"""Metrics by name, then by the value of their label (empty without one)."""


@click.command("doctor")
@click.argument("sn", required=False, shell_complete=known_terminals)
@click.option(
    "--terminals-url", metavar="URL", help="Where terminals connect; default: port 7788 of the API's host."
)
@asks_server
@prints
def command(server: Api, out: People, sn: str | None, terminals_url: str | None) -> int:
    """Say why a terminal does not appear, and what else is wrong, with what to do about it.

    \b
      tfserver doctor
      tfserver doctor ZXDM26010042
      tfserver doctor --url http://server:7789 --terminals-url ws://server:7788

    Exit code: 0 when nothing is wrong, else 1.
    """
    now = datetime.now(UTC)
    with waiting("looking around"):
        found = [*examine(server, terminals_url or _beside(server.url), sn, now)]
        seen = None if sn is None else _seen(server, sn, now)
        if seen is not None:
            found.insert(0, cause.cause(seen))
    return report(out, found)


def examine(server: Api, terminals_url: str, sn: str | None, now: datetime) -> Iterator[Finding]:
    """All findings, one after another."""
    try:
        ready = _readiness(*server.text("/readyz"), server.url)
    except Failed as failed:
        advice = (
            "is it started ('twistd -n tfserver')? Else give its --url; by default it is on loopback only"
        )
        yield Finding("server", WRONG, str(failed), advice)
        yield _port(terminals_url)
        return
    yield ready
    try:
        counts = parsed(server.text("/metrics")[1])
    except Failed as failed:
        yield Finding("metrics", ATTENTION, str(failed), "try again")
        counts = {}
    try:
        terminals, quarantined = _listed(server, None), _listed(server, "quarantined")
    except Failed as failed:
        yield _no_token(failed)
        yield from _connections(counts, [])
        yield _port(terminals_url)
        return
    yield Finding("token", OK, "it is accepted")
    yield from _summary(terminals, quarantined)
    yield from _connections(counts, terminals)
    yield from _handshakes(server)
    yield _port(terminals_url)
    if sn is not None:
        yield from _terminal(server, sn, terminals, quarantined, now)


def parsed(text: str) -> Counts:
    """Prometheus' text as numbers; what can't be read is left out."""
    from prometheus_client.parser import text_string_to_metric_families

    counts: Counts = {}
    try:
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                counts.setdefault(sample.name, {})["/".join(sample.labels.values())] = sample.value
    except ValueError:
        return counts
    return counts


def _beside(url: str) -> str:
    try:
        host = urlsplit(url).hostname or "127.0.0.1"
    except ValueError:
        host = "127.0.0.1"
    return f"ws://[{host}]:{PORT}" if ":" in host else f"ws://{host}:{PORT}"


def _readiness(status: int, text: str, url: str) -> Finding:
    said = text.strip()[:200]
    if status == HTTPStatus.OK and said == "ready":
        return Finding("server", OK, f"{url} is ready")
    if status != HTTPStatus.SERVICE_UNAVAILABLE:
        return Finding("server", WRONG, f"what answers at {url} is not tfserver ({status})", "give its --url")
    if said == "draining":
        return Finding("server", WRONG, "it is being stopped", "wait, or start it again")
    advice = "no punch is acknowledged until that is over; terminals keep them. See the server's log"
    return Finding("server", WRONG, f"it is not ready: {said}", advice)


def _no_token(failed: Failed) -> Finding:
    if failed.code == HTTPStatus.UNAUTHORIZED:
        return Finding(
            "token",
            WRONG,
            "it is not accepted",
            "make one: tfserver token create --role operator (see --help)",
        )
    about = "server" if failed.status == UNREACHABLE or failed.code else "token"
    return Finding(about, WRONG, str(failed), "what follows could not be looked at" if failed.code else "")


def _listed(server: Api, state: str | None) -> list[Row]:
    return [row for page in server.pages("/terminals", state=state) for row in page]


def _summary(terminals: list[Row], quarantined: list[Row]) -> Iterator[Finding]:
    states = Counter(state_of(row) for row in terminals)
    if not terminals:
        yield Finding("terminals", ATTENTION, "none has ever said here who it is", diagnosis.MENU)
        return
    said = ", ".join(f"{states[name]} {name}" for name in ("online", "offline", "pending", "denied"))
    yield Finding("terminals", OK, said)
    if states["pending"]:
        said = f"{states['pending']} wait for approval"
        yield Finding(
            "terminals", ATTENTION, said, "tfserver terminals --state pending, then approve or deny"
        )
    if quarantined:
        said = f"{len(quarantined)} devices claim a number that belongs to another"
        yield Finding(
            "terminals", ATTENTION, said, "tfserver terminals --state quarantined; doctor SN tells more"
        )


def _connections(counts: Counts, terminals: list[Row]) -> Iterator[Finding]:
    def one(name: str) -> int:
        """A number without labels."""
        return int(counts.get(name, {}).get("", 0))

    unregistered = one("tfserver_connections") - one("tfserver_terminals")
    if unregistered > 0:
        kept_out = sum(row["admission"] != "approved" for row in terminals)
        advice = "something else may speak WebSocket there, or terminals got no answer: see the server's log"
        if kept_out:
            advice = f"{kept_out} known terminals are not approved: they come again and again; else {advice}"
        yield Finding("connections", ATTENTION, f"{unregistered} are open but have not registered", advice)
    elif counts:
        yield Finding("connections", OK, f"{one('tfserver_connections')} open, all registered")
    for why, times in counts.get("tfserver_turned_away_total", {}).items():
        if why != "going away" and times:
            said = f"{times:.0f} turned away since the start: {why}"
            yield Finding("connections", ATTENTION, said, "see 'limits' in the configuration")
    for what, times in counts.get("tfserver_notes_total", {}).items():
        if times:
            state, advice = (
                (OK, "") if what in HARMLESS else (ATTENTION, "the server's log names the terminal")
            )
            yield Finding("oddities", state, f"{times:.0f} times since the start: {what}", advice)
    if one("tfserver_store_failures_total"):
        said = f"{one('tfserver_store_failures_total')} requests refused since the start: it did not confirm"
        yield Finding("store", ATTENTION, said, "terminals say them again; is the store slow or full?")
    if one("tfserver_quarantine_full_total"):
        said = (
            f"{one('tfserver_quarantine_full_total')} batches refused since the start: the quarantine is full"
        )
        yield Finding("store", WRONG, said, "look at GET /api/v1/quarantine, then DELETE it")


def _handshakes(server: Api) -> Iterator[Finding]:
    for row in _rows(server, "/handshakes")[:MOST_HANDSHAKES]:
        said = f"{row['times']} from {row['address']} came to nothing: {row['why']}"
        advice = "if that is a terminal: compare URL, port and TLS in its menu with those of the server"
        yield Finding("handshakes", ATTENTION, said, advice)


def _seen(server: Api, sn: str, now: datetime) -> cause.Seen | None:
    """All that tells why nothing appears; None when not even the terminal can be asked for."""
    try:
        terminal = server.get(path_of("terminals", sn))
    except Failed as failed:
        if failed.code != HTTPStatus.NOT_FOUND:
            return None
        terminal = None
    since = (now - RECENT).isoformat()
    return cause.Seen(
        sn,
        now,
        terminal,
        _rows(server, path_of("terminals", sn, "frames")),
        _rows(server, "/handshakes"),
        _rows(server, "/punches", sn=sn, since=since, limit=PUNCHES),
        [
            row
            for row in _rows(server, "/quarantine", limit=PUNCHES)
            if row.get("sn", "").upper() == sn.upper()
        ],
    )


def _rows(server: Api, path: str, **query: object) -> list[Row]:
    """What a list has; nothing where it can't be had: an older server, a weaker token."""
    try:
        return rows_in(server.get(path, **query))
    except Failed:
        return []


def _port(url: str) -> Finding:
    try:
        shake_hands(url)
    except NoHandshake as wrong:
        advice = (
            "give --terminals-url if terminals connect elsewhere; else is a firewall or proxy in between?"
        )
        return Finding("terminals' port", WRONG, f"{url}: {wrong}", advice)
    return Finding("terminals' port", OK, f"{url} takes connections")


def _terminal(
    server: Api, sn: str, terminals: list[Row], quarantined: list[Row], now: datetime
) -> Iterator[Finding]:
    yield from diagnosis.claimed(quarantined, sn)
    try:
        terminal = server.get(path_of("terminals", sn))
    except Failed as failed:
        if failed.code == HTTPStatus.NOT_FOUND:
            yield from diagnosis.not_known(sn, [row["sn"] for row in terminals])
        else:
            yield Finding("terminal", WRONG, str(failed))
        return
    yield from diagnosis.known(terminal, now)
    try:
        found = rows_in(server.get(path_of("terminals", sn, "commands"), limit=ORDERS))
    except Failed as failed:
        yield Finding("orders", ATTENTION, str(failed))
    else:
        yield from diagnosis.orders(terminal, found, now)
