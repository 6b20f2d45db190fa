"""The HTTP API as the command line uses it: URL and token from options, environment or the data folder."""

from __future__ import annotations

import argparse
import json
import os
import urllib.error
import urllib.request
from http.client import HTTPException
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlencode

from tfserver.cli.outcome import REFUSED, UNREACHABLE, Failed

DEFAULT_URL: Final = "http://127.0.0.1:7789"
SECONDS: Final = 15


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of every sub-command that talks to a server."""
    parser.add_argument("--url", help=f"the server's API (TFSERVER_URL; default {DEFAULT_URL})")
    parser.add_argument("--token", help="token for it (TFSERVER_TOKEN; default DATA_DIR/admin-token)")
    parser.add_argument(
        "--data-dir", default="./tfserver-data", help="data folder of a server on this machine"
    )
    parser.add_argument("--json", action="store_true", help="print the answer as JSON")


class Api:
    """One server, asked synchronously."""

    def __init__(self, args: argparse.Namespace) -> None:
        self._url = (args.url or os.environ.get("TFSERVER_URL") or DEFAULT_URL).rstrip("/")
        self._token = args.token or os.environ.get("TFSERVER_TOKEN") or _token_in(args.data_dir)

    def get(self, path: str, **query: Any) -> Any:
        """The decoded answer to a GET below ``/api/v1``."""
        given = {key: value for key, value in query.items() if value is not None}
        return self._ask("GET", f"{path}?{urlencode(given)}" if given else path, None)

    def patch(self, path: str, body: dict[str, Any]) -> Any:
        """The decoded answer to a PATCH."""
        return self._ask("PATCH", path, json.dumps(body).encode())

    def _ask(self, method: str, path: str, body: bytes | None) -> Any:
        try:
            request = urllib.request.Request(f"{self._url}/api/v1{path}", data=body, method=method)
            request.add_header("Authorization", f"Bearer {self._token}")
            with urllib.request.urlopen(request, timeout=SECONDS) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as refused:
            raise Failed(_told(refused), REFUSED) from refused
        except (OSError, ValueError, HTTPException) as failed:
            raise Failed(f"{self._url} can't be reached: {failed}", UNREACHABLE) from failed


def path_of(*parts: str) -> str:
    """A path below ``/api/v1`` with each part quoted."""
    return "".join(f"/{quote(part, safe='')}" for part in parts)


def _told(refused: urllib.error.HTTPError) -> str:
    try:
        return str(json.load(refused)["detail"])
    except (ValueError, KeyError, TypeError):
        return f"the server answered {refused.code} {refused.reason}"


def _token_in(folder: str) -> str:
    path = Path(folder) / "admin-token"
    try:
        return path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as failed:
        raise Failed(
            f"no token: give --token, set TFSERVER_TOKEN or point --data-dir at the server's: {failed}"
        ) from failed
