"""A store with a little of everything that is sealed, and two master keys."""

from __future__ import annotations

from typing import Any

from tests.store.ordered import MASTER, OutboxCase
from tests.store.test_outbox_sealed import RECORD, credential
from tests.store.test_users import ORIGIN, ZOE
from tfserver.config import Orders as OrderSettings
from tfserver.config import Webhooks as WebhookSettings
from tfserver.order import OrderEvent
from tfserver.store.blocking import Blocking
from tfserver.store.masterkey import check_key
from tfserver.store.outbox import Outbox, Outcome
from tfserver.store.rotation import Rotation
from tfserver.store.sealedunder import sealed_by_key
from tfserver.store.users import Users
from tfserver.store.vault import Vault, key_id_of
from tfserver.store.webhooks import NewWebhook, Webhooks, unseal

NEW = bytes(32)
OLD_ID, NEW_ID = key_id_of(MASTER), key_id_of(NEW)
HOOKS = WebhookSettings()


def silent(_done: int, _total: int | None) -> None:
    """Nobody looks at the progress."""


class RotationCase(OutboxCase):
    """A store with a little of everything that is sealed, under the old key."""

    async def begin(self, **settings: Any) -> Outbox:
        """Processes that know both keys; the store is told of the old one."""
        await super().begin(**settings)
        self.vault = Vault(MASTER, NEW)
        await check_key(self.client, self.vault)
        self.users = Users(self.client, self.vault)
        self.hooks = Webhooks(self.client, self.vault, HOOKS)
        self.blocking = Blocking(self.client.address)
        self.addCleanup(self.blocking.close)
        self.rotation = Rotation(self.blocking, "tf:")
        return Outbox(self.client, self.vault, OrderSettings(), "one/1")

    async def fill(self, outbox: Outbox, people: int = 30) -> None:
        """People, a webhook, an order for somebody else."""
        for enrollid in range(people):
            await self.users.put("T1", enrollid, ZOE, (0, f"{RECORD}{enrollid}"), ORIGIN)
        self.hook = await self.hooks.add(NewWebhook(url="https://hr.example/", secret="whsec_1"))
        await self.put(outbox, credential(enrollid=-5))

    def operator(self, *keys: bytes) -> Vault:
        """The keys as somebody has them who changes them."""
        return Vault(*(keys or (MASTER, NEW)))

    def change(self) -> Vault:
        """From the old key to the new one, without the sealing anew."""
        vault = self.operator()
        self.rotation.begin(NEW_ID)
        self.rotation.switch(vault, NEW_ID)
        return vault

    def counted(self) -> dict[str, int]:
        """How many things there are under each key."""
        return {key_id: found.total for key_id, found in sealed_by_key(self.blocking, "tf:").items()}

    async def opens(self, *keys: bytes) -> None:
        """All that was filled in opens with these keys only."""
        vault = Vault(*keys)
        await check_key(self.client, vault)
        users = Users(self.client, vault)
        for enrollid in range(30):
            self.assertEqual(await users.credential("T1", enrollid, 0), (f"{RECORD}{enrollid}", ORIGIN))
        key = self.client.keys.webhook(self.hook.id)
        wrapped, sealed = await self.client.read("HMGET", key, "key", "secret")
        self.assertEqual(unseal(vault, wrapped, self.hook.id, sealed), "whsec_1")
        outbox = Outbox(self.client, vault, OrderSettings(), "one/1")
        taken = await self.taken(outbox)
        self.assertEqual((taken.args["record"], taken.broken), (RECORD, ""))
        await self.end(outbox, taken, Outcome(OrderEvent.PUT_BACK))
