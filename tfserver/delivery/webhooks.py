"""Delivers to all webhooks that no other process delivers to, each by a subscriber of its own.

Every process looks once a second at all webhooks: it renews the leases that it has, and takes those that
have run out, so what a dead process held goes on within LEASE_MS. One broken receiver slows nobody else:
nothing is shared but the question for what arrives.
"""

from __future__ import annotations

from typing import Any, Final

from twisted.internet import task
from twisted.internet.defer import Deferred, DeferredList
from twisted.logger import Logger

from tfserver.delivery.subscriber import Means, Subscriber
from tfserver.errors import StoreError, StoreUnavailable
from tfserver.store.deliveries import Held, LeaseLost

LOOK_SECONDS: Final = 1.0


class Deliverer:
    """The webhooks of this process."""

    _log = Logger()

    def __init__(self, means: Means) -> None:
        self.subscribers: dict[str, Subscriber] = {}
        self._means = means
        self._looking: Deferred[Any] | None = None
        self._looks = task.LoopingCall(self.look)
        self._looks.clock = means.reactor

    async def start(self) -> None:
        """Begin; the first look is made at once."""
        self._looking = self._looks.start(LOOK_SECONDS)

    async def stop(self) -> None:
        """Let requests that are under way come to their ends, for a while, and leave the rest to others."""
        if self._looking is not None and self._looks.running:
            self._looks.stop()
            await self._looking
        ours, self.subscribers = list(self.subscribers.values()), {}
        for subscriber in ours:
            subscriber.finish()
        await DeferredList([subscriber.done for subscriber in ours])
        self._means.arrivals.stop()
        for subscriber in ours:
            await self._release(subscriber)

    async def look(self) -> None:
        """Take, renew and let go; tell each subscriber how its webhook is."""
        try:
            tended = await self._means.store.tend()
        except StoreUnavailable:
            return
        except Exception:
            # the next look may be better, and without any nothing is delivered any more
            self._log.failure("our own mistake in looking for webhooks")
            return
        self._share_out({held.id: held for held in tended.held})
        self._measure(tended.now_ms)

    def _share_out(self, held: dict[str, Held]) -> None:
        ours = self.subscribers
        for webhook_id in [name for name, subscriber in ours.items() if subscriber.done.called]:
            del ours[webhook_id]
        for webhook_id in ours.keys() - held.keys():
            # Paused, deleted, or another's: its cursor moves no more unless the lease is still ours.
            ours[webhook_id].finish()
        for webhook_id, one in held.items():
            if webhook_id in ours:
                ours[webhook_id].told(one)
            else:
                ours[webhook_id] = Subscriber(self._means, one).start()

    async def _release(self, subscriber: Subscriber) -> None:
        try:
            await self._means.store.release(subscriber.id)
        except (LeaseLost, StoreError) as failed:
            told = "webhook {webhook} was not released: {failed}"
            self._log.debug(told, webhook=subscriber.id, failed=failed)

    def _measure(self, now_ms: int) -> None:
        ours = self.subscribers.values()
        waits = [now_ms - one.oldest_ms for one in ours if one.oldest_ms is not None]
        self._means.metrics.webhooks_behind = max(waits, default=0) / 1000
        self._means.metrics.webhooks_failing = sum(one.is_failing for one in ours)
