"""The change to another master key while servers run, and going on without one that was lost (docs/keys.md).

Each step may be done again: what is written compares first, so that nothing another wrote meanwhile is lost,
and a run that was broken off is gone on with by the next.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from importlib import resources
from typing import Any, Final, NamedTuple

import msgspec

from tfserver.errors import StoreError
from tfserver.store.audit import MOST_RECORDS
from tfserver.store.blocking import Blocking
from tfserver.store.keys import Keys
from tfserver.store.masterkey import KEYS_CHANGED, Standing, heard_known, standing_fields, standing_of
from tfserver.store.sealedunder import (
    data_keys_of_sealed,
    keys_like,
    people_in,
    person_of,
    wrapped_webhooks,
)
from tfserver.store.vault import Vault, new_master_key, sealed_under

MOST_PASSES: Final = 5
"""One is enough, unless the store lost what was written last, or keys are given back meanwhile."""
A_CALL: Final = 100
"""Hashes a step looks at: half a millisecond of the store's time, for which punches wait."""
ACTOR: Final = "command line"
_SCRIPT: Final = resources.files("tfserver.store").joinpath("scripts/masterkey.lua").read_text("utf-8")

Tell = Callable[[int, int | None], None]


class Resealed(NamedTuple):
    """How many data keys were wrapped anew; ``stuck`` are those that can't be opened, by their master key."""

    changed: int
    stuck: dict[str, int]


class Forgotten(NamedTuple):
    """What was forgotten with a master key: people's keys, webhooks' secrets, values that orders bring."""

    people: int
    webhooks: int
    orders: int


class Rotation:
    """All that is done about the master keys of one store. ``vault`` has the keys that are at hand."""

    def __init__(self, store: Blocking, prefix: str) -> None:
        self._store = store
        self._keys = Keys(prefix)

    def stands(self) -> Standing:
        """How the master keys stand."""
        return standing_of(self._store.ask(*standing_fields(self._keys.meta)))

    def processes(self) -> dict[str, tuple[str, ...] | None]:
        """The processes that run, and which master keys each has; None: it is of an older release."""
        found = {}
        owners = [one.decode("utf-8", "replace") for one in self._store.ask("SMEMBERS", self._keys.owners)]
        beats = self._store.ask_all([("GET", self._keys.alive(owner)) for owner in owners])
        for owner, beat in zip(owners, beats, strict=True):
            if beat is not None:
                found[owner] = heard_known(beat.decode("utf-8", "replace"))
        return found

    def without(self, key_id: str) -> list[str]:
        """The processes that don't have this master key."""
        return sorted(owner for owner, known in self.processes().items() if key_id not in (known or ()))

    def wake(self) -> None:
        """Let every process look at its master keys again."""
        self._store.ask("PUBLISH", self._keys.everybody, KEYS_CHANGED)

    def begin(self, key_id: str) -> None:
        """This one is to seal next."""
        self._run("begin", (), key_id)

    def switch(self, vault: Vault, to: str) -> None:
        """Let ``to`` seal from now on, everywhere. StoreError when another change was begun meanwhile."""
        stands = self.stands()
        vault.follow(stands.seals, stands.versions, stands.pictures)
        versions, pictures = vault.own_keys(to)
        seals = self._run("switch", (), stands.seals, to, versions, pictures).decode()
        if seals != to:
            raise StoreError(
                f"another change was begun meanwhile, and master key {seals} seals: look at that one"
            )
        vault.follow(to, versions, pictures)

    def reseal(self, vault: Vault, tell: Tell) -> Resealed:
        """Wrap anew what is wrapped by another master key than the one that seals, until nothing is found."""
        changed = 0
        stuck: dict[str, int] = {}
        for _ in range(MOST_PASSES):
            stuck = {}
            before = changed
            for names, wrapped in self._pages(vault, stuck):
                for start in range(0, len(names), A_CALL):
                    pairs = wrapped[2 * start : 2 * (start + A_CALL)]
                    changed += self._run("rewrap", names[start : start + A_CALL], *pairs)
                tell(changed, None)
            if changed == before:
                break
        return Resealed(changed, stuck)

    def done(self, key_id: str) -> bool:
        """Nothing is sealed under the keys before this one any more; False when another seals by now."""
        return bool(self._run("done", (), key_id).decode() == key_id)

    def drop(self, key_id: str) -> None:
        """Remember this master key no longer."""
        self._run("drop", (), key_id)

    def lose(self, vault: Vault, key_id: str, instead: str, tell: Tell) -> Forgotten:
        """Forget what is sealed under a master key that is gone; ``instead`` seals where it did."""
        vault.key_id = instead
        webhooks = self._mend_webhooks(vault, key_id)
        orders = self._lose_orders(key_id)
        people = 0
        for names in people_in(self._store, self._keys):
            for start in range(0, len(names), A_CALL):
                people += self._run("lose", names[start : start + A_CALL], key_id)
            tell(people, None)
        self._run("lost", (), key_id, instead)
        return Forgotten(people, webhooks, orders)

    def note(self, what: str, **detail: Any) -> None:
        """Enter it into the audit."""
        told = {"actor": ACTOR, "what": what, "sn": "", "outcome": "done", "detail": detail}
        bound = ("MAXLEN", "~", MOST_RECORDS)
        self._store.ask("XADD", self._keys.audit, *bound, "*", "a", msgspec.json.encode(told))

    def _pages(self, vault: Vault, stuck: dict[str, int]) -> Iterator[tuple[list[str | bytes], list[str]]]:
        """Some hashes at a time, each with its data key and the same wrapped anew."""
        for names in people_in(self._store, self._keys):
            people = [(name, who) for name in names if (who := person_of(self._keys, name)) is not None]
            kept = self._store.ask_all([("HGET", name, "key") for name, _ in people])
            found = [
                (name, who, one.decode())
                for (name, who), one in zip(people, kept, strict=True)
                if one is not None
            ]
            yield _anew(vault, found, stuck)
        hooks = list(wrapped_webhooks(self._store, self._keys))
        yield _anew(
            vault, [(self._keys.webhook(one), int(one, 16), wrapped) for one, wrapped in hooks], stuck
        )

    def _mend_webhooks(self, vault: Vault, key_id: str) -> int:
        mended = 0
        why = f"its secret was lost with master key {key_id}: give it a new one, then let it go on"
        for webhook_id, wrapped in wrapped_webhooks(self._store, self._keys):
            if sealed_under(wrapped) == key_id:
                number = int(webhook_id, 16)
                fresh = vault.new_data_key(number)
                sealed = vault.seal(fresh, number, 0, new_master_key())
                mended += self._run("mend", [self._keys.webhook(webhook_id)], wrapped, fresh, sealed, why)
        return mended

    def _lose_orders(self, key_id: str) -> int:
        lost = 0
        for names in keys_like(self._store, self._keys.sealed("")):
            wrapped = data_keys_of_sealed(self._store, self._keys, names)
            gone = [name for name, one in zip(names, wrapped, strict=True) if sealed_under(one) == key_id]
            lost += self._store.ask("UNLINK", *gone) if gone else 0
        return lost

    def _run(self, verb: str, names: Sequence[str | bytes], *args: str) -> Any:
        return self._store.ask("EVAL", _SCRIPT, 1 + len(names), self._keys.meta, *names, verb, *args)


def _anew(
    vault: Vault, found: Sequence[tuple[str | bytes, int, str]], stuck: dict[str, int]
) -> tuple[list[str | bytes], list[str]]:
    names: list[str | bytes] = []
    wrapped: list[str] = []
    for name, bound_to, before in found:
        key_id = sealed_under(before)
        if key_id == vault.key_id:
            continue
        try:
            wrapped += (before, vault.wrapped_anew(before, bound_to))
            names.append(name)
        except StoreError:
            stuck[key_id] = stuck.get(key_id, 0) + 1
    return names, wrapped
