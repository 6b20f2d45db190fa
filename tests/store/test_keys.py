"""The names of keys: all under the prefix, none confused with another."""

from __future__ import annotations

from twisted.internet import reactor
from twisted.trial.unittest import SynchronousTestCase

from tests.store.arrivals import arrival
from tests.store.connected import StoreCase
from tests.store.records import record
from tfserver.config import Admission as AdmissionSettings
from tfserver.config import Punches as PunchSettings
from tfserver.model import Admission
from tfserver.store.keys import Keys
from tfserver.store.principals import Role
from tfserver.store.punches import Punches
from tfserver.store.shelf import Bad
from tfserver.store.terminals import Terminals
from tfserver.store.tokens import Tokens
from tfserver.store.users import Origin, Profile, Users
from tfserver.store.vault import Vault


def all_names(keys: Keys) -> list[str]:
    """Every kind of key, one each."""
    fixed = [name for attribute, name in vars(keys).items() if attribute != "prefix"]
    by_sn = [keys.terminal("T1"), keys.known("T1"), keys.sighted("T1")]
    return [
        *fixed,
        *by_sn,
        keys.user(7),
        keys.image("ab"),
        keys.alive("one/1"),
        keys.lost("one/1"),
        keys.wake("one/1"),
    ]


class NameTests(SynchronousTestCase):
    """Spelling."""

    def test_prefix(self) -> None:
        """Every key begins with the prefix, whatever it is, and no two are the same."""
        for prefix in ("tf:", "", "{a}:b."):
            names = all_names(Keys(prefix))
            self.assertTrue(all(name.startswith(prefix) and len(name) > len(prefix) for name in names))
            self.assertEqual(len(set(names)), len(names))

    def test_case(self) -> None:
        """Keys of a terminal are the same for every spelling of its serial number, owners differ by case."""
        keys = Keys("tf:")
        for of in (keys.terminal, keys.known, keys.sighted):
            self.assertEqual(of(" zxAb1 "), of("ZXAB1"))
            self.assertNotEqual(of("ZXAB1"), of("ZXAB2"))
        self.assertNotEqual(keys.alive("one/A"), keys.alive("one/a"))


class PrefixTests(StoreCase):
    """Two servers in one Redis."""

    async def test_nothing_outside_the_prefix(self) -> None:
        """Everything that is ever written stands under the prefix, and another prefix sees none of it."""
        client = await self.connect(prefix="mine:")
        terminals = Terminals(client, AdmissionSettings(), "one/1")
        for sn, cpusn in (("T1", "c1"), ("T1", "c2"), ("T2", "c1")):
            await terminals.register(arrival(sn, cpusn=cpusn, approve=sn == "T1"), "c1")
        await terminals.beat({"T1": 1})
        await terminals.decide("T1", Admission.APPROVED)
        punches = Punches(reactor, client, PunchSettings())
        await punches.append("T1", 7, [record("T1", 1, logindex=7, picture="aGk=")], [Bad("why", b"raw")])
        users = Users(client, Vault(bytes(32)))
        await users.put("T1", 7, Profile("Zoë", 0), (0, "record"), Origin("", "", "", ""))
        await Tokens(client).add("token", Role.ADMIN, 1)
        names = await client.read("KEYS", "*")
        self.assertEqual([name for name in names if not name.startswith("mine:")], [])
        self.assertGreaterEqual(len(names), 13)
        other = await self.connect(prefix="other:")
        self.assertEqual(await Terminals(other, AdmissionSettings(), "one/1").page("", 10), [])
        self.assertEqual(await Punches(reactor, other, PunchSettings()).quarantine("0", 10), [])
        self.assertIsNone(await Tokens(other).find("token"))
