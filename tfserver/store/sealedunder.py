"""What is sealed under which master key: counted, never opened."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from tfserver.store.blocking import Blocking
from tfserver.store.keys import Keys
from tfserver.store.vault import sealed_under

A_LOOK: Final = 500
"""Keys the store looks at for one answer: well below a millisecond of its time."""


class Sealed(NamedTuple):
    """How much is sealed under one master key: people with credentials, credentials, webhooks, values that
    orders are to bring, and other keys: our own, and of people of whom there is only what orders bring."""

    people: int = 0
    credentials: int = 0
    webhooks: int = 0
    orders: int = 0
    others: int = 0

    @property
    def total(self) -> int:
        """Whether there is anything, and how much."""
        return sum(self)


def in_words(found: Sealed | None) -> str:
    """For people: ``3 credentials of 2 people, the secrets of 1 webhooks and 4 values that orders bring``."""
    if found is None or not found.total:
        return "nothing that is kept now"
    parts = [
        (found.people, f"{found.credentials} credentials of {found.people} people"),
        (found.webhooks, f"the secrets of {found.webhooks} webhooks"),
        (found.orders, f"{found.orders} values that orders bring"),
        (found.others, f"{found.others} other keys"),
    ]
    told = [text for count, text in parts if count]
    return " and ".join([", ".join(told[:-1]), told[-1]] if len(told) > 1 else told)


def keys_like(store: Blocking, beginning: str) -> Iterator[list[bytes]]:
    """All keys with this beginning, a page at a time; one may come twice."""
    # what means something in a pattern stands for itself here
    pattern = "".join(f"\\{letter}" if letter in r"\*?[]^-" else letter for letter in beginning)
    cursor: bytes = b"0"
    while True:
        cursor, found = store.ask("SCAN", cursor, "MATCH", f"{pattern}*", "COUNT", A_LOOK)
        yield found
        if cursor == b"0":
            return


def people_in(store: Blocking, keys: Keys) -> Iterator[list[bytes]]:
    """The keys of all people, a page at a time; one may come twice."""
    return keys_like(store, keys.user(0).removesuffix("0"))


def wrapped_webhooks(store: Blocking, keys: Keys) -> Iterator[tuple[str, str]]:
    """Each webhook's id and its data key, wrapped."""
    ids = [one.decode() for one in store.ask("SMEMBERS", keys.webhooks)]
    answers = store.ask_all([("HGET", keys.webhook(webhook_id), "key") for webhook_id in ids])
    for webhook_id, wrapped in zip(ids, answers, strict=True):
        if wrapped is not None:
            yield webhook_id, wrapped.decode()


def person_of(keys: Keys, name: bytes) -> int | None:
    """The person that a key of the store is about, None for a name that is none of ours."""
    text = name.decode("utf-8", "replace").removeprefix(keys.user(0).removesuffix("0"))
    return int(text) if text.isascii() and text.removeprefix("-").isdigit() else None


def data_keys_of_sealed(store: Blocking, keys: Keys, names: list[bytes]) -> list[str]:
    """The wrapped data key of the person of each value that orders bring; empty where it is gone."""
    texts = [name.decode("utf-8", "replace").removeprefix(keys.sealed("")) for name in names]
    people = [keys.user(0).removesuffix("0") + text.partition("/")[0] for text in texts]
    return [(one or b"").decode() for one in store.ask_all([("HGET", person, "key") for person in people])]


def sealed_by_key(store: Blocking, prefix: str) -> dict[str, Sealed]:
    """What is sealed under which master key, by its id."""
    keys, found = Keys(prefix), _Counts()
    for names in _once(people_in(store, keys)):
        wrapped = store.ask_all([("HGET", name, "key") for name in names])
        fields = store.ask_all([("HKEYS", name) for name in names])
        for one, kept in zip(wrapped, fields, strict=True):
            # of what several terminals have the record is there once; the directory's own is of none
            count = max(sum(field.startswith(begins) for field in kept) for begins in (b"c:", b"r:"))
            found.add((one or b"").decode(), Sealed(1, count) if count else Sealed(others=1))
    for names in _once(keys_like(store, keys.sealed(""))):
        for key in data_keys_of_sealed(store, keys, names):
            found.add(key, Sealed(orders=1))
    for _, key in wrapped_webhooks(store, keys):
        found.add(key, Sealed(webhooks=1))
    for one in store.ask("HMGET", keys.meta, "versions_key", "pictures_key"):
        found.add((one or b"").decode(), Sealed(others=1))
    return found.by_key


def _once(pages: Iterator[list[bytes]]) -> Iterator[list[bytes]]:
    seen: set[bytes] = set()
    for names in pages:
        yield list(dict.fromkeys(name for name in names if name not in seen))
        seen.update(names)


class _Counts:
    def __init__(self) -> None:
        self.by_key: dict[str, Sealed] = {}

    def add(self, wrapped: str, more: Sealed) -> None:
        """Count something more under the master key that this is wrapped by."""
        if wrapped:
            before = self.by_key.get(sealed_under(wrapped), Sealed())
            added = Sealed(*(a + b for a, b in zip(before, more, strict=True)))
            self.by_key[sealed_under(wrapped)] = added
