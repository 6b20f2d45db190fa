"""Browsers that keep a page of the dashboard open, without the browser: each reads ``/live`` and forgets it.

``python benchmarks/onlookers.py --port P --pages N --rows SN,SN…``, the token on standard input. Says
``ready`` when all are told of changes, and ends with its standard input; then tells how much they were told.
With ``--reload`` each fetches the page of the fleet again when it is told that terminals come and go, as
seldom as the page's script does (``static/live.js``).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import re
import statistics
import sys
import time
from pathlib import Path
from typing import Final

SCRIPT: Final = Path(__file__).resolve().parents[1] / "tfserver/web/dashboard/static/live.js"
HOST: Final = "127.0.0.1"
CHUNK: Final = 65_536
SIGN_IN_EACH: Final = 20
"""Pages of one session."""


async def signed_in(port: int, token: str) -> str:
    """A session, as the header ``Cookie`` has it."""
    reader, writer = await asyncio.open_connection(HOST, port)
    body = json.dumps({"token": token}).encode()
    head = "POST /api/v1/session HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    writer.write(f"{head}Connection: close\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
    answer = (await reader.read(CHUNK)).decode()
    writer.close()
    return next(line for line in answer.split("\r\n") if line.startswith("Set-Cookie: "))[12:].partition(";")[
        0
    ]


def rule(name: str) -> float:
    """A number of the pages' script; milliseconds as seconds."""
    told = re.search(rf"^const {name} = ([0-9_]+);", SCRIPT.read_text("utf-8"), re.M)
    assert told is not None, name
    return float(told[1]) / (1000 if name.endswith("_MS") else 1)


SOON, SPREAD, REST, SHARE = (rule(name) for name in ("SOON_MS", "SPREAD_MS", "REST_MS", "SHARE"))


class Page:
    """One open page."""

    def __init__(self, port: int, cookie: str, is_reloaded: bool) -> None:
        self.bytes = 0
        self.reloads: list[float] = []
        self._port = port
        self._cookie = cookie
        self._is_reloaded = is_reloaded
        self._due: asyncio.Task[None] | None = None
        self._rests_until = 0.0

    async def look(self, path: str) -> asyncio.Task[None]:
        """Begin; the task ends with the stream."""
        reader, self._kept = await self._ask(path)
        head = await reader.readuntil(b"\r\n\r\n")
        assert b" 200 " in head, head
        return asyncio.create_task(self._read(reader))

    async def _ask(self, path: str, more: str = "") -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection(HOST, self._port)
        head = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nCookie: {self._cookie}\r\n{more}\r\n"
        writer.write(head.encode())
        return reader, writer

    async def _read(self, reader: asyncio.StreamReader) -> None:
        while chunk := await reader.read(CHUNK):
            self.bytes += len(chunk)
            is_told = b"event: hints" in chunk or b"event: missed" in chunk
            if is_told and self._is_reloaded and (self._due is None or self._due.done()):
                self._due = asyncio.create_task(self._reload())

    async def _reload(self) -> None:
        await asyncio.sleep(max(SOON, self._rests_until - time.monotonic()) + random.random() * SPREAD)
        began = time.monotonic()
        reader, writer = await self._ask("/", "Connection: close\r\n")
        page = await reader.read(-1)
        writer.close()
        assert page.startswith(b"HTTP/1.1 200 ") and b"</html>" in page, page[:200]
        now = time.monotonic()
        self.reloads.append(now - began)
        self._rests_until = now + max(REST, SHARE * (now - began))


async def watch(port: int, count: int, token: str, path: str, is_reloaded: bool) -> list[Page]:
    """All of them, until standard input ends."""
    pages, tasks, cookie = [], [], ""
    for number in range(count):
        if number % SIGN_IN_EACH == 0:
            cookie = await signed_in(port, token)
        pages.append(Page(port, cookie, is_reloaded))
        tasks.append(await pages[-1].look(path))
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.read)
    for task in tasks:
        task.cancel()
    return pages


def main() -> None:
    """Watch, and tell."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--port", type=int, required=True, help="of the people's side on 127.0.0.1")
    parser.add_argument("--pages", type=int, default=200)
    parser.add_argument("--rows", default="", help="terminals that each page shows")
    parser.add_argument("--reload", action="store_true", help="pages of the fleet, which are made anew")
    options = parser.parse_args()
    token = sys.stdin.readline().strip()
    path = f"/live?{'' if options.reload else 'wall=on&'}hints=terminal&rows={options.rows}"
    pages = asyncio.run(watch(options.port, options.pages, token, path, options.reload))
    took = [seconds for page in pages for seconds in page.reloads]
    told = {"pages": len(pages), "bytes": sum(page.bytes for page in pages), "reloads": len(took)}
    if took:
        told["reload p50, max (s)"] = [round(statistics.median(took), 2), round(max(took), 2)]
    json.dump(told, sys.stdout)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
