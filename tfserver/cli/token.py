"""Make a token for the HTTP API. It is printed alone; the store keeps its hash only."""

from __future__ import annotations

import argparse
from typing import Any

from tfserver import config
from tfserver.errors import TfserverError
from tfserver.store.client import Client
from tfserver.store.datafolder import running_socket
from tfserver.store.secrets import store_password
from tfserver.store.tokens import Role, Tokens, new_token


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``tfserver token``."""
    parser.add_argument("action", choices=("create",))
    parser.add_argument("--role", choices=[role.value for role in Role], default=Role.READER.value)
    parser.add_argument("--redis", metavar="URL", help="the store; wins over the configuration file")
    parser.add_argument("-c", "--config", metavar="FILE", help="configuration file of the server")
    parser.add_argument("--data-dir", default="./tfserver-data", help="folder of a running embedded store")


def run(args: argparse.Namespace) -> int:
    """Add the token to the store, then print it."""
    from twisted.internet import reactor
    from twisted.internet.defer import Deferred

    outcome: list[Any] = []

    def begin() -> None:
        """Make it as soon as the reactor runs."""
        adding: Deferred[str] = Deferred.fromCoroutine(_create(reactor, args))
        adding.addBoth(outcome.append).addCallback(lambda _: reactor.stop())

    reactor.callWhenRunning(begin)
    reactor.run()
    if isinstance(outcome[0], str):
        print(outcome[0])
        return 0
    failure = outcome[0]
    if isinstance(failure.value, TfserverError):
        raise failure.value
    failure.raiseException()
    return 1


async def _create(reactor: Any, args: argparse.Namespace) -> str:
    settings = config.load(args.config, {} if args.redis is None else {"store.url": args.redis})
    url = settings.store.url or f"unix://{running_socket(args.data_dir)}"
    client = Client(reactor, url, store_password(settings), settings.store)
    await client.start()
    token = new_token()
    try:
        await Tokens(client).add(token, Role(args.role), round(reactor.seconds() * 1000))
    finally:
        await client.stop()
    return token
