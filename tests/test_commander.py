"""Ordering a terminal: what is refused and why, and what is put (design §2.2, §2.4)."""

from __future__ import annotations

from typing import Any

import msgspec

from tests.commanding import CLASSES, CommanderCase, order
from tests.gateway.stand_ins import SN
from tfserver.commander import BadOrder, KeyReused, NotAllowed, NotNow, QueueFull, UnknownTerminal
from tfserver.errors import StoreUnavailable
from tfserver.model import Decided
from tfserver.order import LIVES, Danger, OrderState
from tfserver.store.outbox import Put


class RefusedTests(CommanderCase):
    """What is wrong is told field by field, and nothing is made."""

    def test_fields(self) -> None:
        """Each wrong field is named with what was expected."""
        for cmd, fields, wrong in (
            ("rung", {}, ["cmd"]),
            ("ring", {}, ["times"]),
            ("ring", {"times": 0}, ["times"]),
            ("ring", {"times": "two", "loud": True}, ["times", "loud"]),
            ("ring", [1], ["cmd"]),
        ):
            found = self.refused(BadOrder, cmd, fields=fields)
            self.assertEqual([name for name, _ in found.problems], wrong)
            for name, expected in found.problems:
                self.assertIn(f"{name}: {expected}", str(found))

    def test_no_value_is_told(self) -> None:
        """A password that is refused is not told again."""
        found = self.refused(BadOrder, fields={"times": 1, "password": 48213377})
        self.assertNotIn("48213377", f"{found} {found.problems}")

    def test_profile(self) -> None:
        """What a model does not take is refused for terminals of that model, and told by its profile."""
        self.assertEqual(self.refused(BadOrder, "ringtest").problems[0][0], "cmd")
        self.terminals.given["decided"] = Decided(model_profile="bells")
        self.assertEqual(self.refused(BadOrder).problems, [("times", "expected 1 on this model")])
        self.assertEqual(self.put("ringtest").cmd, "ringtest")
        self.assertEqual(self.terminals.asked("decided")[-1], (SN,))

    def test_ttl(self) -> None:
        """Each class has its bounds of how long an order may wait; both ends belong to them."""
        for danger, cmd in CLASSES.items():
            life = LIVES[danger]
            for ttl in (life.least, life.most):
                self.assertEqual(self.put(cmd, ttl=ttl, confirm=SN).ttl, ttl)
            for ttl in (life.least - 1, life.most + 1, -5):
                [(name, expected)] = self.refused(BadOrder, cmd, ttl=ttl, confirm=SN).problems
                self.assertEqual(name, "ttl")
                self.assertIn(f"{life.least} to {life.most} seconds", expected)

    def test_lives(self) -> None:
        """The bounds are those of the contract (design §2.4)."""
        self.assertEqual(LIVES[Danger.DOOR], (5, 1, 30))
        self.assertEqual({LIVES[danger].most for danger in (Danger.ONCE, Danger.DESTRUCTIVE)}, {3600})
        self.assertEqual(LIVES[Danger.ORDINARY], (86_400, 1, 7 * 86_400))

    def test_confirm(self) -> None:
        """What can't be undone needs the serial number again, in any spelling; nothing else does."""
        for confirm in ("", "yes", SN[:-1], f"{SN}1"):
            self.assertEqual(
                [name for name, _ in self.refused(BadOrder, "ringout", confirm=confirm).problems], ["confirm"]
            )
        for confirm in (SN, SN.lower(), f" {SN} "):
            self.put("ringout", confirm=confirm)
        for cmd in ("ring", "ringgate", "ringonce"):
            self.put(cmd)

    def test_both(self) -> None:
        """All that is wrong beside the fields is told together."""
        found = self.refused(BadOrder, "ringout", ttl=0)
        self.assertEqual([name for name, _ in found.problems], ["ttl", "confirm"])

    def test_admin_only(self) -> None:
        """Some orders are an administrator's, whatever is confirmed."""
        self.refused(NotAllowed, "ringout", is_admin=False, confirm=SN)
        self.put("ring", is_admin=False)

    def test_by_the_store(self) -> None:
        """What the outbox says against it is told in words that name what stands in the way."""
        for put, kind, words in (
            (Put("unknown", ""), UnknownTerminal, SN),
            (Put("not approved", "denied"), NotNow, "denied"),
            (Put("offline", ""), NotNow, "not online"),
            (Put("dirty", "2026-04-01"), NotNow, "2026-04-01"),
            (Put("full", ""), QueueFull, SN),
            (Put("reused", ""), KeyReused, "Idempotency-Key"),
        ):
            self.outbox.given["put"] = put
            self.assertIn(words, str(self.refused(kind)))
            self.assertEqual(self.outbox.asked("get"), [])

    def test_store_away(self) -> None:
        """A store that is away is no refusal."""
        self.outbox.given["put"] = StoreUnavailable("away")
        self.failureResultOf(self.ordering(), StoreUnavailable)


class PutTests(CommanderCase):
    """What is put."""

    def test_as_the_class_says(self) -> None:
        """The order has what its command says, and who ordered it."""
        found = self.put(fields={"times": 2, "enrollid": 7, "backupnum": 10}, ttl=60)
        self.assertEqual((found.sn, found.cmd, found.actor), (SN, "ring", "token 1"))
        self.assertEqual(found.args, {"times": 2, "enrollid": 7, "backupnum": 10})
        self.assertEqual((found.danger, found.subject, found.within), (Danger.ORDINARY, "bell", 7.0))
        self.assertEqual((found.ttl, found.enrollid, found.backupnum), (60, 7, 10))
        self.assertEqual((found.secrets, found.key, found.needs_proof), ({}, "", False))
        self.assertTrue(self.put("ringout", confirm=SN).needs_proof)

    def test_default_life(self) -> None:
        """Without a word about it an order waits as long as its class usually does."""
        for danger, cmd in CLASSES.items():
            self.assertEqual(self.put(cmd, confirm=SN).ttl, LIVES[danger].default)

    def test_secrets(self) -> None:
        """What may not lie open is sealed, and people see only how long it is."""
        found = self.put(fields={"times": 1, "password": "48213377"})
        self.assertEqual(found.secrets, {"password": "48213377"})
        self.assertNotIn("48213377", msgspec.json.encode(found.shown).decode())
        self.assertTrue(found.shown["password"]["redacted"])
        self.assertEqual(found.shown["times"], 1)

    def test_made(self) -> None:
        """The order is given back as the store has it."""
        self.assertEqual(self.successResultOf(self.ordering()), order())
        self.assertEqual(self.outbox.asked("get"), [("id1",)])

    def test_made_before(self) -> None:
        """A repeat gives the first order, in the state that it has now."""
        self.outbox.given.update(put=Put("again", "id0"), get=order(OrderState.DONE))
        self.assertIs(self.successResultOf(self.ordering()).state, OrderState.DONE)
        self.assertEqual(self.outbox.asked("get"), [("id0",)])

    def test_made_and_forgotten(self) -> None:
        """A repeat of an order that is forgotten already makes no second one."""
        self.outbox.given.update(put=Put("again", "id0"), get=None)
        self.failureResultOf(self.ordering(), NotNow)


class KeyTests(CommanderCase):
    """Idempotency keys."""

    def digest(self, cmd: str = "ring", **more: Any) -> str:
        """By what a repeat is recognised."""
        return self.put(cmd, key="k", **more).digest

    def test_key_is_hashed(self) -> None:
        """Whatever a key is made of, it is kept as so many hexadecimal digits; no key is none."""
        found = {self.put(key=key).key for key in ("k", "K", "k ", "ключ " * 50, "a b")}
        self.assertEqual(len(found), 5)
        for key in found:
            self.assertRegex(key, "^[0-9a-f]{64}$")
        self.assertEqual(self.put(key="").key, "")

    def test_same(self) -> None:
        """The same order is recognised however it is written, and whoever sends it."""
        first = self.digest(fields={"times": 2, "enrollid": 7})
        self.assertEqual(self.digest(fields={"enrollid": 7, "times": 2, "cmd": "ring"}), first)
        self.assertEqual(self.digest(fields={"times": 2, "enrollid": 7}, sn=f" {SN.lower()}"), first)
        self.assertEqual(self.digest(fields={"times": 2, "enrollid": 7}, actor="token 2"), first)

    def test_same_in_another_order(self) -> None:
        """Fields in another order are the same order."""
        first = self.digest("ringany", fields={"high": 1, "low": {"a": 1, "b": 2}})
        self.assertEqual(self.digest("ringany", fields={"low": {"b": 2, "a": 1}, "high": 1}), first)

    def test_other(self) -> None:
        """Another terminal, command, field or life is another order."""
        found = [
            self.digest(),
            self.digest(fields={"times": 3}),
            self.digest(fields={"times": 2, "password": "1"}),
            self.digest(fields={"times": 2, "password": "2"}),
            self.digest(ttl=60),
            self.digest(sn="ZXDM26010043"),
            self.digest("ringonce"),
        ]
        self.assertEqual(len(set(found)), len(found))
