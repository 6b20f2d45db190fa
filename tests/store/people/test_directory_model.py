"""Whatever comes after whatever: lists are right, records are counted right, and nobody is merged."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from twisted.trial.unittest import SynchronousTestCase

from tests.real.store import RealStore
from tests.store.people.directly import DirectClient, done
from tests.store.people.listed import MADE, MASTER, ORIGIN, check
from tfserver.person import Group, Known, Person
from tfserver.store.people.directory import BeingErased, Directory, ExternalIdTaken, NoSuchGroup, NoSuchPerson
from tfserver.store.people.groups import Groups
from tfserver.store.people.names import folded
from tfserver.store.users import Profile, Users
from tfserver.store.vault import Vault

PEOPLE = st.sampled_from([7, 8, 123_456_789_012])
SNS = st.sampled_from(["T1", "T2", "T3"])
NAMES = st.sampled_from(["", "Zoë", "ZOË ", "Bob"])
SLOTS = st.sampled_from([0, 10])
RECORDS = st.sampled_from(["1", "2", "3"])
GROUPS = st.sampled_from(["day", "night"])
EXTERNAL = st.sampled_from([None, "P-1", "P-2"])
REFUSED = (BeingErased, ExternalIdTaken, NoSuchGroup, NoSuchPerson)


class KeepingClient(DirectClient):
    """One whose store is kept by nobody else."""

    async def keep(self, name: str, keys: list[str], args: list[Any]) -> Any:
        """One of our scripts."""
        return await self.run(name, keys, args)


class Machine(RuleBasedStateMachine):
    """Terminals that tell, and people who say."""

    store: RealStore

    def __init__(self) -> None:
        super().__init__()
        self.client = KeepingClient(self.store)
        self.client.call("FLUSHALL")
        client: Any = self.client
        self.directory, self.groups = Directory(client, Vault(MASTER)), Groups(client)
        self.users = Users(client, Vault(MASTER), adopt=True)
        self.make("day")

    def teardown(self) -> None:
        """The store is not asked any more."""
        self.client.close()

    def ask(self, call: Any) -> Any:
        """What the directory answers, or None when it refuses."""
        try:
            return done(call)
        except REFUSED:
            return None

    def known(self, enrollid: int) -> Known | None:
        """A person."""
        found: Known | None = done(self.directory.get(enrollid))
        return found

    @rule(sn=SNS, enrollid=PEOPLE, name=NAMES, slot=st.none() | SLOTS, record=RECORDS)
    def told(self, sn: str, enrollid: int, name: str, slot: int | None, record: str) -> None:
        """A terminal tells. Of somebody else nothing gets in, and what it tells itself is kept."""
        before = self.known(enrollid)
        is_erased = self.client.call("HEXISTS", self.client.keys.erased, enrollid)
        credential = None if slot is None else (slot, record)
        done(self.users.put(sn, enrollid, Profile(name, 0), credential, ORIGIN))
        after = self.known(enrollid)
        if is_erased:
            assert after == before
            return
        if slot is not None:
            assert done(self.users.credential(sn, enrollid, slot)) == (record, ORIGIN)
        if before and after:
            self.judge(before, after, sn, name)

    def judge(self, before: Known, after: Known, sn: str, name: str) -> None:
        """What may have changed, and what may not."""
        ours, theirs = folded(before.person.name), folded(name)
        if ours and theirs and theirs not in (ours, before.person.was):
            assert (after.person, after.credentials) == (before.person, before.credentials)
            assert (sn, "name") in [(clash.sn, clash.what) for clash in after.collisions]
        kept = {one.backupnum: one for one in after.credentials}
        for one in before.credentials:
            assert kept[one.backupnum] == one or one.made.sn == sn

    @rule(enrollid=PEOPLE, name=NAMES, external=EXTERNAL, groups=st.sets(GROUPS))
    def put(self, enrollid: int, name: str, external: str | None, groups: set[str]) -> None:
        """People make or replace a person."""
        person = Person(enrollid=enrollid, name=name, external_id=external, groups=tuple(groups))
        self.ask(self.directory.put(person))

    @rule(enrollid=PEOPLE, slot=SLOTS, record=RECORDS)
    def put_credential(self, enrollid: int, slot: int, record: str) -> None:
        """They give a credential."""
        if self.ask(self.directory.put_credential(enrollid, slot, record, MADE)):
            assert done(self.directory.record(enrollid, slot))[0] == record

    @rule(enrollid=PEOPLE, slot=SLOTS)
    def remove_credential(self, enrollid: int, slot: int) -> None:
        """They take one away."""
        done(self.directory.remove_credential(enrollid, slot))

    @rule(enrollid=PEOPLE)
    def remove(self, enrollid: int) -> None:
        """They take somebody out."""
        done(self.directory.remove(enrollid))

    @rule(enrollid=PEOPLE, sn=SNS)
    def adopt(self, enrollid: int, sn: str) -> None:
        """They say that a terminal is right: it collides no more."""
        if self.ask(self.directory.adopt(enrollid, sn)):
            known = self.known(enrollid)
            assert known is not None
            assert sn not in [clash.sn for clash in known.collisions]

    @rule(name=GROUPS)
    def make(self, name: str) -> None:
        """They make a group."""
        done(self.groups.put(Group(name=name)))

    @rule(name=GROUPS)
    def unmake(self, name: str) -> None:
        """They forget a group."""
        done(self.groups.remove(name))

    @rule(name=GROUPS, add=st.lists(PEOPLE), remove=st.lists(PEOPLE))
    def move(self, name: str, add: list[int], remove: list[int]) -> None:
        """They move people."""
        self.ask(self.groups.change_members(name, add, remove))

    @rule(enrollid=PEOPLE)
    def erase(self, enrollid: int) -> None:
        """Somebody is to be forgotten, for a while."""
        key = self.client.keys.erased
        if not self.client.call("HDEL", key, enrollid):
            self.client.call("HSET", key, enrollid, "e1")

    @invariant()
    def lists_are_right(self) -> None:
        """Each list has just those who say so themselves."""
        keys, call = self.client.keys, self.client.call
        known: list[Known] = done(self.directory.page(0, 10))
        assert [one.person.enrollid for one in known] == [n for n in sorted(ALL) if self.known(n)]
        names = {f"{folded(one.person.name)}\0{one.person.enrollid}" for one in known}
        assert set(call("ZRANGE", keys.names, 0, -1)) == names
        flat = call("HGETALL", keys.external_ids)
        said = {one.person.external_id: one.person.enrollid for one in known if one.person.external_id}
        assert dict(zip(flat[::2], map(int, flat[1::2]), strict=True)) == said
        for group in ("day", "night"):
            members = [one.person.enrollid for one in known if group in one.person.groups]
            assert done(self.groups.members(group)) == members
        collided = [one.person.enrollid for one in known if one.collisions]
        assert [one.person.enrollid for one in done(self.directory.collided(0, 10))] == collided

    @invariant()
    def records_are_right(self) -> None:
        """Each record is there for who has it, opens, and is counted."""
        for enrollid in ALL:
            flat = self.client.call("HGETALL", self.client.keys.user(enrollid))
            fields = dict(zip(flat[::2], flat[1::2], strict=True))
            check(fields)
            for slot in json.loads(fields.get("k", "{}")):
                assert done(self.directory.record(enrollid, int(slot))) is not None


ALL = (7, 8, 123_456_789_012)


class ModelTests(SynchronousTestCase):
    """The machine on a real store."""

    def test_machine(self) -> None:
        """However it goes, the directory is of one piece."""
        store = RealStore()
        self.addCleanup(store.remove)
        Machine.store = store.start()
        run_state_machine_as_test(
            Machine,
            settings=settings(
                max_examples=60,
                stateful_step_count=40,
                deadline=None,
                suppress_health_check=list(HealthCheck),
                derandomize=True,
                database=None,
            ),
        )
