"""Peer: a sender of webhooks as people write it, redis-py and aiohttp.

``webhook_peer.py SOCKET URL SECRET BATCH`` reads the stream of punches from its end, posts up to BATCH of
them at a time, signed, and keeps its cursor in the store after each 2xx. It has no lease, no filter, no dead
letters and one subscriber. Prints ``ready``.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import sys
import time

import aiohttp
import redis.asyncio

STREAM, CURSOR = "tf:punches", "webhook-peer"
path, url, secret, most = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
key = base64.b64decode(secret.removeprefix("whsec_"))
store = redis.asyncio.from_url(f"unix://{path}")


def headers_of(message: str, body: bytes) -> dict[str, str]:
    """What Standard Webhooks wants."""
    now = str(int(time.time()))
    digest = hmac.new(key, f"{message}.{now}.".encode() + body, hashlib.sha256).digest()
    return {
        "content-type": "application/json",
        "webhook-id": message,
        "webhook-timestamp": now,
        "webhook-signature": "v1," + base64.b64encode(digest).decode(),
    }


async def deliver(session: aiohttp.ClientSession, entries: list[tuple[bytes, dict[bytes, bytes]]]) -> None:
    """Post some punches until they are taken."""
    place = entries[-1][0].decode()
    data = [{"id": entry.decode(), **json.loads(fields[b"p"])} for entry, fields in entries]
    body = json.dumps({"type": "punches", "data": data}).encode()
    while True:
        async with session.post(url, data=body, headers=headers_of(place, body)) as answer:
            if answer.status < 300:
                break
        await asyncio.sleep(1)
    await store.set(CURSOR, place)


async def main() -> None:
    """Deliver for ever."""
    newest = await store.xrevrange(STREAM, count=1)
    place = newest[0][0] if newest else b"0-0"
    async with aiohttp.ClientSession() as session:
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        while True:
            for _, entries in await store.xread({STREAM: place}, count=most, block=1000):
                await deliver(session, entries)
                place = entries[-1][0]


asyncio.run(main())
