"""The HTTP API as the command line uses it: URL and token from options, environment or the data folder."""

from __future__ import annotations

import functools
import json
import re
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from http.client import HTTPException, IncompleteRead
from math import ceil
from pathlib import Path
from typing import Any, Final, TypeVar
from urllib.parse import quote, urlencode

import click

from tfserver.cli.outcome import REFUSED, UNREACHABLE, Failed
from tfserver.cli.output import Row, clean

DEFAULT_URL: Final = "http://127.0.0.1:7789"
SECONDS: Final = 15.0
UPLOAD_SECONDS: Final = 300.0
NO_HEADERS: Final[Mapping[str, str]] = {}
COMPLETION_SECONDS: Final = 1.0
PAGE: Final = 1000
CSV: Final = "text/csv"
_READ_BYTES: Final = 1 << 16
_CURSOR: Final = re.compile(r"[?&]cursor=([\w-]+)")
_TOKEN: Final = re.compile(r"[!-~]{1,512}")

F = TypeVar("F", bound=Callable[..., Any])


class Api:
    """One server, asked synchronously. The token is looked up when it is needed first."""

    def __init__(self, url: str, token: str | None, data_dir: str, seconds: float = SECONDS) -> None:
        self.url = (url or DEFAULT_URL).rstrip("/")
        self._token = token
        self._data_dir = data_dir
        self._seconds = seconds
        self._opener = urllib.request.build_opener(_Stay)

    def get(self, path: str, **query: Any) -> Any:
        """The decoded answer to a GET below ``/api/v1``; what is None is left out of the query."""
        return self._ask("GET", path, query)

    def post(self, path: str, body: Row, wait: float = 0) -> Any:
        """The decoded answer to a POST; ``wait``: seconds for which the server may wait for an end."""
        return self._ask("POST", path, {"wait": ceil(wait) or None}, body, wait)

    def patch(self, path: str, body: Row) -> Any:
        """The decoded answer to a PATCH."""
        return self._ask("PATCH", path, {}, body)

    def put(self, path: str, body: Row) -> Any:
        """The decoded answer to a PUT."""
        return self._ask("PUT", path, {}, body)

    def upload(self, path: str, data: bytes, media: str, headers: dict[str, str], **query: Any) -> Any:
        """The decoded answer to a POST of a file; Failed when it is larger than the server takes."""
        given = {key: value for key, value in query.items() if value is not None}
        where = f"{self.url}/api/v1{path}" + (f"?{urlencode(given)}" if given else "")
        request = urllib.request.Request(where, data, {"Content-Type": media, **headers}, method="POST")
        request.add_header("Authorization", f"Bearer {self._usable_token()}")
        try:
            with self._opener.open(request, timeout=UPLOAD_SECONDS) as answer:
                return self._decoded(answer.read())
        except urllib.error.HTTPError as refused:
            raise Failed(_told(refused), REFUSED, refused.code) from refused
        except (OSError, ValueError, HTTPException) as failed:
            raise self._unreachable(failed) from failed

    def delete(self, path: str, **query: Any) -> Any:
        """The decoded answer to a DELETE, None when it is empty."""
        return self._ask("DELETE", path, query)

    def pages(self, path: str, **query: Any) -> Iterator[list[Row]]:
        """The rows of a list, page after page, until the cursor is null."""
        cursor = None
        while True:
            page = self.get(path, **{"limit": PAGE, "cursor": cursor, **query})
            yield rows_in(page)
            cursor = page.get("next")
            if cursor is None:
                return

    def text(self, path: str) -> tuple[int, str]:
        """Status and text of a page that needs no token, e.g. ``/readyz``; Failed when nobody answers."""
        try:
            with self._opener.open(f"{self.url}{path}", timeout=self._seconds) as answer:
                return answer.status, answer.read().decode("utf-8", "replace")
        except urllib.error.HTTPError as refused:
            return refused.code, refused.read().decode("utf-8", "replace")
        except (OSError, ValueError, HTTPException) as failed:
            raise self._unreachable(failed) from failed

    def export(
        self, path: str, media: str, headers: Mapping[str, str] = NO_HEADERS, **query: Any
    ) -> Iterator[bytes]:
        """All there is, as the server writes it in another format; Failed also when it is cut off."""
        is_begun = False
        try:
            with self._opened(path, media, query, headers) as answer:
                while data := answer.read1(_READ_BYTES):
                    is_begun = True
                    yield data
                if answer.length:
                    raise IncompleteRead(b"", answer.length)
        except urllib.error.HTTPError as refused:
            raise Failed(_told(refused), REFUSED, refused.code) from refused
        except (OSError, ValueError, HTTPException) as failed:
            if is_begun:
                raise Failed("the server cut it off: what came is not whole", UNREACHABLE) from failed
            raise self._unreachable(failed) from failed

    def csv_pages(self, path: str, **query: Any) -> Iterator[bytes]:
        """The rows of a list as CSV, page after page, under one heading."""
        cursor: str | None = None
        while True:
            try:
                with self._opened(path, CSV, {"limit": PAGE, **query, "cursor": cursor}) as answer:
                    data, link = answer.read(), answer.headers.get("Link") or ""
            except urllib.error.HTTPError as refused:
                raise Failed(_told(refused), REFUSED, refused.code) from refused
            except (OSError, ValueError, HTTPException) as failed:
                raise self._unreachable(failed) from failed
            yield data if cursor is None else data.partition(b"\r\n")[2]
            found = _CURSOR.search(link)
            if found is None:
                return
            cursor = found[1]

    def _opened(self, path: str, media: str, query: Row, headers: Mapping[str, str] = NO_HEADERS) -> Any:
        """The answer to a GET, still to be read."""
        given = {key: value for key, value in query.items() if value is not None}
        request = urllib.request.Request(f"{self.url}/api/v1{path}?{urlencode(given)}")
        request.add_header("Authorization", f"Bearer {self._usable_token()}")
        request.add_header("Accept", media)
        for name, value in headers.items():
            request.add_header(name, value)
        return self._opener.open(request, timeout=self._seconds)

    def _ask(self, method: str, path: str, query: Row, body: Row | None = None, wait: float = 0) -> Any:
        given = {key: value for key, value in query.items() if value is not None}
        where = f"{self.url}/api/v1{path}" + (f"?{urlencode(given)}" if given else "")
        token = self._usable_token()
        try:
            request = urllib.request.Request(where, method=method)
            request.add_header("Authorization", f"Bearer {token}")
            if body is not None:
                request.data = json.dumps(body).encode()
                request.add_header("Content-Type", "application/json")
            with self._opener.open(request, timeout=self._seconds + wait) as answer:
                return self._decoded(answer.read())
        except urllib.error.HTTPError as refused:
            raise Failed(_told(refused), REFUSED, refused.code) from refused
        except (OSError, ValueError, HTTPException) as failed:
            raise self._unreachable(failed) from failed

    def _decoded(self, text: bytes) -> Any:
        try:
            return json.loads(text) if text.strip() else None
        except ValueError as wrong:
            raise Failed(f"what answers at {self.url} is not tfserver's API", UNREACHABLE) from wrong

    def _unreachable(self, failed: Exception) -> Failed:
        why = getattr(failed, "reason", None) or failed
        return Failed(f"{self.url} can't be reached: {getattr(why, 'strerror', None) or why}", UNREACHABLE)

    def _usable_token(self) -> str:
        self._token = self._token or _token_in(self._data_dir)
        if not _TOKEN.fullmatch(self._token):
            raise Failed("this is no token: one has only visible ASCII characters, and no spaces")
        return self._token


class _Stay(urllib.request.HTTPRedirectHandler):
    """Never follows to another place: the token would go along."""

    def redirect_request(self, *_: Any) -> None:
        """Leave the answer as it is."""
        return


def path_of(*parts: str) -> str:
    """A path below ``/api/v1`` with each part quoted."""
    return "".join(f"/{quote(part, safe='')}" for part in parts)


def rows_in(answer: Any) -> list[Row]:
    """The objects that an answer lists, whatever it calls them."""
    if isinstance(answer, dict):
        answer = next((value for value in answer.values() if isinstance(value, list)), None)
    if not isinstance(answer, list):
        raise Failed("the server's answer is no list: is it as new as this command line?")
    return answer


def asks_server(function: F) -> Callable[..., Any]:
    """Give a command ``--url``, ``--token`` and ``--data-dir``: it is called with the ``server`` of these."""

    @click.option(
        "--url", envvar="TFSERVER_URL", default=DEFAULT_URL, show_default=True, help="The server's API."
    )
    @click.option(
        "--token", envvar="TFSERVER_TOKEN", help="Token for it; default: what stands in DATA_DIR/admin-token."
    )
    @click.option(
        "--data-dir",
        type=click.Path(),
        default="./tfserver-data",
        show_default=True,
        help="Data folder of a server on this machine.",
    )
    @functools.wraps(function)
    def with_server(*args: Any, url: str, token: str | None, data_dir: str, **options: Any) -> Any:
        """Put the three together."""
        return function(*args, server=Api(url, token, data_dir), **options)

    return with_server


def known_terminals(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
    """Serial numbers that begin like this, for the shell; none when the server does not tell at once."""
    url, token, data_dir = (ctx.params.get(name) or "" for name in ("url", "token", "data_dir"))
    try:
        listed = Api(url, token, data_dir, COMPLETION_SECONDS).get("/terminals", limit=PAGE)
        numbers = [str(row["sn"]) for row in rows_in(listed)]
    except (Failed, KeyError, TypeError):
        return []
    return [sn for sn in numbers if sn.upper().startswith(incomplete.upper())]


def _told(refused: urllib.error.HTTPError) -> str:
    """What a problem says: its sentence, and what was wrong with each field."""
    try:
        found = json.load(refused)
        lines = [clean(found["detail"])]
        fields = [(clean(one["field"]), clean(one["message"])) for one in found.get("errors", [])]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, HTTPException):
        return f"the server answered {refused.code} {refused.reason}"
    lines += [text for name, message in fields if (text := f"{name}: {message}") not in lines[0]]
    return "\n  ".join(lines)


def _token_in(folder: str) -> str:
    path = Path(folder) / "admin-token"
    try:
        return path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as failed:
        raise Failed(
            f"no token: give --token, set TFSERVER_TOKEN or point --data-dir at the server's: {failed}"
        ) from failed
