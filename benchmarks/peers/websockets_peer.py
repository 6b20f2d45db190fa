"""Peer: the library websockets with redis-py. ``websockets_peer.py REDIS_SOCKET [pipeline]``.

Prints ``ready PORT``. Without ``pipeline`` each record is one awaited XADD, with it those of a message share
a trip.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

import redis.asyncio
from exchange import answer_to
from websockets.asyncio.server import ServerConnection, serve

PIPELINE = sys.argv[2:] == ["pipeline"]
store = redis.asyncio.from_url(f"unix://{sys.argv[1]}")


async def keep(message: dict[str, Any]) -> None:
    """Store the records of a message."""
    entries = [{"sn": message["sn"], "p": json.dumps(record)} for record in message["record"]]
    if not PIPELINE:
        for entry in entries:
            await store.xadd("punches", entry)
        return
    async with store.pipeline(transaction=False) as trip:
        for entry in entries:
            trip.xadd("punches", entry)
        await trip.execute()


async def terminal(connection: ServerConnection) -> None:
    """Answer one connection until it ends."""
    async for text in connection:
        message = json.loads(text)
        if message["cmd"] == "sendlog":
            await keep(message)
        await connection.send(answer_to(message))


async def main() -> None:
    """Serve until the process is ended."""
    async with serve(terminal, "127.0.0.1", 0, compression=None, ping_interval=None, backlog=4096) as server:
        sys.stdout.write(f"ready {server.sockets[0].getsockname()[1]}\n")
        sys.stdout.flush()
        await asyncio.get_running_loop().create_future()


asyncio.run(main())
