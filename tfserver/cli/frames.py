"""The last messages of a terminal, as the server's flight recorder remembers them."""

from __future__ import annotations

from typing import Final

import click

from tfserver.cli.api import Api, asks_server, known_terminals, path_of, rows_in
from tfserver.cli.output import Column, People, Row, prints

_PLACES: Final = ("connection", "address", "process")


def told(frame: Row) -> str:
    """What a message says, without what stands in other columns."""
    content = frame["content"]
    if frame["direction"] == "event":
        known = {**content, **{name: frame[name] for name in _PLACES if name != "connection"}}
        return " ".join(f"{name}={value}" for name, value in known.items() if value not in ("", None))
    if content.get("cut"):
        return "(long: only this is remembered)"
    return str({name: value for name, value in content.items() if name not in ("cmd", "ret", "result")})


COLUMNS = (
    Column("at", lambda frame: frame["at"]),
    Column("", lambda frame: {"in": "→", "out": "←"}.get(frame["direction"], "·")),
    Column("word", lambda frame: frame["word"] or "?"),
    Column("bytes", lambda frame: frame["size"] or ""),
    Column("result", lambda frame: frame["result"]),
    Column("content", told),
)
HANDSHAKES = (
    Column("last", lambda row: row["last"]),
    Column("times", lambda row: row["times"]),
    Column("address", lambda row: row["address"]),
    Column("why", lambda row: row["why"]),
)


@click.command("frames")
@click.argument("sn", required=False, shell_complete=known_terminals)
@asks_server
@prints
def command(server: Api, out: People, sn: str | None) -> None:
    """The last messages of a terminal, both ways, without what is private; without SN: connections to the
    terminals' port that never became a WebSocket.

    → is what the terminal said, ← what it was told, · what happened.

    \b
      tfserver frames ZXDM26010042
      tfserver frames ZXDM26010042 --json > frames.json
    """
    if sn is None:
        out.rows(rows_in(server.get("/handshakes")), HANDSHAKES, "every handshake came through")
    else:
        frames = rows_in(server.get(path_of("terminals", sn, "frames")))
        out.rows(
            frames, COLUMNS, "nothing is remembered of it: it has not been here since the server started"
        )
