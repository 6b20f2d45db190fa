"""Accounts through a backup."""

from __future__ import annotations

import os

from twisted.internet.threads import deferToThread

from tests.store.hashing import CHEAP, RIGHT, at_once
from tests.store.test_accounts import AccountCase
from tests.store.test_backup import quiet, save
from tfserver.store import address
from tfserver.store.accounts import Accounts
from tfserver.store.backup import keys as backup
from tfserver.store.backup.file import verify, walk
from tfserver.store.blocking import Blocking
from tfserver.store.passwords import Passwords


class BackupTests(AccountCase):
    """What is brought back."""

    async def test_brought_back(self) -> None:
        """Accounts come back with passwords and last sign-ins; nobody is signed in by a backup."""
        await self.begin()
        await self.accounts.change("ines", {"language": "ar"})
        secret, _ = await self.signed_in()
        before = await self.accounts.all()
        await deferToThread(self._carry, os.path.abspath(self.mktemp()))
        other = await self.connect(self.target.url)
        accounts = Accounts(other, Passwords(at_once, CHEAP), self.clock.seconds)
        self.assertEqual(await accounts.all(), before)
        self.assertIsNotNone(await accounts.check("ines", RIGHT))
        names = await other.read("KEYS", "*")
        self.assertEqual([name for name in names if "session" in name], [])
        self.assertIsNotNone(await self.there.find(secret), "it was none at all")

    def _carry(self, path: str) -> None:
        source = Blocking(address.parse(self.store.url))
        save(source, "tf:", path)
        source.close()
        self.target = self.new_store()
        target = Blocking(address.parse(self.target.url))
        with open(path, "rb") as file:
            header = verify(file)
            backup.restore(target, "tf:", walk(file, header), header, quiet)
        target.close()
