"""Orders from another process: what a second tfserver does between its HTTP side and the store.

``python benchmarks/asker.py --store SOCKET --terminals N --each M --at-once K`` says ``ready``, waits for a
line, puts M ``setuserinfo`` for each of N terminals, K at a time, and says ``put SECONDS`` after the last.
"""

from __future__ import annotations

import argparse
import itertools
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

# Run as a program only its own folder is looked in.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from twisted.internet import task, threads
from twisted.internet.defer import Deferred, gatherResults

from benchmarks import messages
from benchmarks.obeying import credential
from tfserver import commands
from tfserver.backfilling import Backfilling
from tfserver.commander import Commander, Wanted
from tfserver.config import Admission, Orders, Settings, Store
from tfserver.metrics import Metrics
from tfserver.service import settle_memory
from tfserver.store.backfills import Backfills
from tfserver.store.client import Client
from tfserver.store.outbox import Outbox
from tfserver.store.people.holdings import Holdings
from tfserver.store.terminals import Terminals
from tfserver.store.vault import Vault, read_master_key

OWNER: Final = "asker/1"
ACTOR: Final = "token 00000000 (benchmark)"


def wanted(places: range, each: int) -> Iterator[Wanted]:
    """The first credential for each of these terminals, then the second, and so on."""
    for number, place in itertools.product(range(each), places):
        yield Wanted(messages.serial_number(place), "setuserinfo", credential(number), ACTOR, True)


async def ask(reactor: Any, options: argparse.Namespace) -> None:
    """Be ready, then order everything."""
    assert commands.__path__, "importing the vocabulary fills the tables"
    client = Client(reactor, f"unix://{options.store}", "", Store())
    await client.start()
    vault = Vault(read_master_key(os.environ["TFSERVER_MASTER_KEY"], "TFSERVER_MASTER_KEY"))
    terminals, outbox = Terminals(client, Admission(), OWNER), Outbox(client, vault, Orders(), OWNER)
    backfills = Backfilling(reactor, outbox, Backfills(client), Settings())
    commander = Commander(reactor, outbox, terminals, Settings(), backfills, Metrics(), Holdings(client))
    client.listen([client.keys.wake(OWNER)], lambda _, message: commander.woken(message))
    settle_memory()
    say("ready")
    await threads.deferToThread(sys.stdin.readline)
    began = time.perf_counter()
    # whoever orders has terminals of their own, so that each gets everything in this order
    shares = [range(first, options.terminals, options.at_once) for first in range(options.at_once)]
    putting = [put_all(commander, wanted(share, options.each)) for share in shares]
    await gatherResults([Deferred.fromCoroutine(each) for each in putting], consumeErrors=True)
    say(f"put {time.perf_counter() - began:.3f}")
    await threads.deferToThread(sys.stdin.readline)
    await client.stop()


async def put_all(commander: Commander, waiting: Iterator[Wanted]) -> None:
    """One who orders, one thing after another."""
    for one in waiting:
        await commander.order(one)


def say(text: str) -> None:
    """Tell whoever started this."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main() -> None:
    """Run until everything is ordered and the standard input ends."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--store", required=True, help="socket of the store")
    parser.add_argument("--terminals", type=int, default=100)
    parser.add_argument("--each", type=int, default=20, help="orders for each terminal")
    parser.add_argument("--at-once", type=int, default=200, help="orders that are being put at the same time")
    options = parser.parse_args()
    task.react(lambda reactor: Deferred.fromCoroutine(ask(reactor, options)))


if __name__ == "__main__":
    main()
