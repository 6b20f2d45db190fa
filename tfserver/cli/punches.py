"""Print punches in order of arrival, or follow them."""

from __future__ import annotations

import argparse
import json
import sys
import time
from typing import Any, Final

from tfserver.cli import api

POLL_SECONDS: Final = 1.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``tfserver punches``."""
    parser.add_argument("--follow", action="store_true", help="go on and print what comes, until Ctrl-C")
    parser.add_argument("--after", default="0", help="start behind this cursor")
    parser.add_argument("--sn", help="only of this terminal")
    parser.add_argument("--since", help="only from this instant on, e.g. 2026-04-02T08:00:00Z")
    parser.add_argument("--until", help="only before this instant")
    api.add_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Print page after page; with --json one object a line."""
    server = api.Api(args)
    cursor = args.after
    while True:
        page = server.get(
            "/punches", after=cursor, limit=1000, sn=args.sn, since=args.since, until=args.until
        )
        for punch in page["punches"]:
            print(json.dumps(punch, ensure_ascii=False) if args.json else _line(punch))
        sys.stdout.flush()
        if page["next"] == cursor:
            if not args.follow:
                return 0
            time.sleep(POLL_SECONDS)
        cursor = page["next"]


def _line(punch: dict[str, Any]) -> str:
    who = punch["enrollid"] if punch["kind"] == "punch" else punch["kind"]
    doubt = "" if punch["clock"] == "ok" else f"  clock {punch['clock']}"
    when = punch["time"] or punch["device_time"]
    how = punch["verify"] or ""
    return f"{when:<27} {punch['sn']:<18} {who!s:<12} {how:<12} in/out {punch['inout']}{doubt}".rstrip()
