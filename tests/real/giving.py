"""Somebody who gives orders all the time, and what terminals really did against what was ordered."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, NamedTuple

DOOR_SECONDS: Final = 5.0
"""The life of an order for a door (design §2.4)."""
SLACK_SECONDS: Final = 0.25
"""How long after a door's order is over its opening may be written down: the terminal is a busy process."""
DONE: Final = ("done",)
PERHAPS: Final = ("done", "refused", "unknown")
"""Ends after which the terminal may have done it."""


class Given(NamedTuple):
    """An order: when somebody began to ask for it, and had an answer (monotonic s); no id without one."""

    sn: str
    cmd: str
    began: float
    answered: float
    id: str


class Giver:
    """Gives orders one after another in a thread, each to one of ``numbers``; ``ask`` is told path and body
    and answers status and body, 0 without an answer."""

    def __init__(
        self,
        ask: Callable[[str, Any], tuple[int, Any]],
        numbers: Sequence[str],
        seed: int,
        cmds: Sequence[str],
    ) -> None:
        self.given: list[Given] = []
        self._ask = ask
        self._numbers = numbers
        self._cmds = cmds
        self._chance = random.Random(seed)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="giver", daemon=True)

    def start(self) -> Giver:
        """Begin."""
        self._thread.start()
        return self

    def stop(self) -> list[Given]:
        """Finish the one that is being given; all that were given."""
        self._over.set()
        self._thread.join(60)
        assert not self._thread.is_alive(), "an order has no answer"
        return self.given

    def _run(self) -> None:
        while not self._over.wait(self._chance.uniform(0, 0.1)):
            sn, cmd = self._chance.choice(self._numbers), self._chance.choice(self._cmds)
            began = time.monotonic()
            status, body = self._ask(f"/terminals/{sn}/commands", {"cmd": cmd})
            if status not in (404, 409, 422, 429):
                known = str(body["id"]) if status in (200, 202) else ""
                self.given.append(Given(sn, cmd, began, time.monotonic(), known))


def unordered(
    given: Iterable[Given], ends: dict[str, str], obeyed: Iterable[dict[str, Any]], cmd: str
) -> dict[str, int]:
    """What terminals did of one word against what was ordered; empty when all is right.

    ``stale``: done when no order for it was alive; ``doubled``: more often than orders may have been
    carried out; ``untrue``: orders that ended ``done`` and were not.
    """
    orders = [order for order in given if order.cmd == cmd]
    wrong = {"stale": 0, "doubled": 0, "untrue": 0}
    times: dict[str, list[float]] = {}
    for line in obeyed:
        if line["cmd"] == cmd:
            times.setdefault(line["sn"], []).append(line["at"])
    life = DOOR_SECONDS if cmd == "opendoor" else float("inf")
    for sn in {order.sn for order in orders} | set(times):
        own = [order for order in orders if order.sn == sn]
        did = times.get(sn, [])
        wrong["stale"] += sum(
            not any(order.began <= at <= order.answered + life + SLACK_SECONDS for order in own) for at in did
        )
        # one without an answer may have been put all the same
        perhaps = sum(not order.id or ends.get(order.id) in PERHAPS for order in own)
        wrong["doubled"] += max(0, len(did) - perhaps)
        wrong["untrue"] += max(0, sum(ends.get(order.id) in DONE for order in own) - len(did))
    return {name: count for name, count in wrong.items() if count}
