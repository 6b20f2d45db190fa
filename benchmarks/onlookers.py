"""Browsers that keep a page of the dashboard open, without the browser: each reads ``/live`` and forgets it.

``python benchmarks/onlookers.py --port P --pages N --rows SN,SN…``, the token on standard input. Says
``ready`` when all are told of changes, and ends with its standard input; then tells how much they were told.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from typing import Final

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


class Page:
    """One open page."""

    def __init__(self) -> None:
        self.bytes = 0

    async def look(self, port: int, cookie: str, path: str) -> asyncio.Task[None]:
        """Begin; the task ends with the stream."""
        reader, writer = await asyncio.open_connection(HOST, port)
        writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nCookie: {cookie}\r\n\r\n".encode())
        head = await reader.readuntil(b"\r\n\r\n")
        assert b" 200 " in head, head
        self._kept = writer
        return asyncio.create_task(self._read(reader))

    async def _read(self, reader: asyncio.StreamReader) -> None:
        while chunk := await reader.read(CHUNK):
            self.bytes += len(chunk)


async def watch(port: int, count: int, token: str, path: str) -> list[Page]:
    """All of them, until standard input ends."""
    pages = [Page() for _ in range(count)]
    tasks, cookie = [], ""
    for number, page in enumerate(pages):
        if number % SIGN_IN_EACH == 0:
            cookie = await signed_in(port, token)
        tasks.append(await page.look(port, cookie, path))
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
    options = parser.parse_args()
    token = sys.stdin.readline().strip()
    path = f"/live?wall=on&hints=terminal&rows={options.rows}"
    pages = asyncio.run(watch(options.port, options.pages, token, path))
    json.dump({"pages": len(pages), "bytes": sum(page.bytes for page in pages)}, sys.stdout)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
