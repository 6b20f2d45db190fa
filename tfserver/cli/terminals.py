"""List, show, approve or deny terminals."""

from __future__ import annotations

import argparse
import json
from typing import Any

from tfserver.cli import api
from tfserver.cli.outcome import Failed


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``tfserver terminals``."""
    parser.add_argument("action", nargs="?", default="list", choices=("list", "show", "approve", "deny"))
    parser.add_argument("sn", nargs="*", help="serial numbers, for all but list")
    parser.add_argument("--state", help="only these: online, offline, pending, denied, quarantined")
    api.add_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Do it, and print what came of it."""
    server = api.Api(args)
    if args.action == "list":
        _print(args, _all(server, args.state))
        return 0
    if not args.sn:
        raise Failed(f"which terminal? e.g. tfserver terminals {args.action} ZXDM26010042", 2)
    if args.action == "show":
        print(json.dumps([server.get(api.path_of("terminals", sn)) for sn in args.sn], indent=2))
        return 0
    wanted = {"admission": "approved" if args.action == "approve" else "denied"}
    _print(args, [server.patch(api.path_of("terminals", sn), wanted) for sn in args.sn])
    return 0


def _all(server: api.Api, state: str | None) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    cursor = None
    while True:
        page = server.get("/terminals", state=state, cursor=cursor, limit=1000)
        found += page["terminals"]
        cursor = page["next"]
        if cursor is None:
            return found


def _print(args: argparse.Namespace, terminals: list[dict[str, Any]]) -> None:
    if args.json:
        print(json.dumps(terminals))
        return
    if not terminals:
        print("no terminals")
        return
    print(f"{'serial number':<20} {'state':<12} {'model':<14} {'last punch':<25} name")
    for terminal in terminals:
        print(_line(terminal))


def _line(terminal: dict[str, Any]) -> str:
    state = terminal["admission"]
    if state == "approved":
        state = "online" if terminal["online"] else "offline"
    model = str(terminal["devinfo"].get("modelname", ""))[:14]
    last = terminal["last_punch"] or "never"
    return f"{terminal['sn']:<20} {state:<12} {model:<14} {last:<25} {terminal['name']}".rstrip()
