"""A change of the master key, from whatever state it was left in to its end."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from tfserver.cli.outcome import NOT_ENDED, Failed
from tfserver.cli.output import Row, progress

if TYPE_CHECKING:
    from tfserver.store.keyring import Keyring
    from tfserver.store.masterkey import Standing
    from tfserver.store.rotation import Rotation
    from tfserver.store.vault import Vault

POLL_SECONDS: Final = 0.2


def rotated(rotation: Rotation, ring: Keyring, to: str, wait: float) -> Row:
    """Change to the key ``to``, or to a new one, and seal everything under it; what there is to tell."""
    from tfserver.store.vault import Vault

    vault = Vault(*ring.keys, more=ring.again)
    stands = rotation.stands()
    if not stands.seals:
        raise Failed("no server ever ran with this store: there is nothing to seal anew")
    if not vault.has(stands.seals):
        raise Failed(f"master key {stands.seals} seals, and it is not in {ring.source}: give --key-file")
    if stands.leaving and to in ("", stands.seals):
        vault.follow(stands.seals, stands.versions, stands.pictures)
    else:
        target = _chosen(rotation, ring, vault, to, stands)
        _until_all_know(rotation, ring, target, wait)
        rotation.switch(vault, target)
    _put_first(ring, vault.key_id)
    return _finished(rotation, vault)


def _chosen(rotation: Rotation, ring: Keyring, vault: Vault, to: str, stands: Standing) -> str:
    """The key to change to, which is among those here from now on."""
    if to == stands.seals:
        raise Failed(f"master key {to} seals already")
    if to and not vault.has(to):
        raise Failed(f"there is no master key {to} in {ring.source}")
    target = to or stands.following
    if target and vault.has(target):
        rotation.begin(target)
        return target
    for owner, known in rotation.processes().items():
        if target and target in (known or ()):
            raise Failed(f"a change to {target} was begun with the key file of {owner}: end it there")
    return _made(rotation, ring, vault, stands)


def _made(rotation: Rotation, ring: Keyring, vault: Vault, stands: Standing) -> str:
    from tfserver.store.keyring import KeyFile
    from tfserver.store.vault import key_id_of, new_master_key, read_master_key

    if not isinstance(ring, KeyFile):
        unused = [key_id for key_id in vault.known if key_id not in (stands.seals, *stands.retired)]
        raise Failed(_by_hand(ring.source, unused))
    text = new_master_key()
    made = key_id_of(read_master_key(text, "new"))
    # first told, then written: one that is written and not told would stay for ever
    rotation.begin(made)
    ring.replace([*ring.texts, text])
    vault.look_again()
    return made


def _by_hand(source: str, unused: list[str]) -> str:
    if unused:
        return f"say by --to which of the keys in {source} is to seal: {', '.join(unused)}"
    return (
        f"{source} can't be changed from here: make a key ('tfserver key create'), put it behind the one "
        "that is there with a comma between, restart the servers one after another, and run this again "
        "with --to ID ('tfserver key list' has the ids)"
    )


def _until_all_know(rotation: Rotation, ring: Keyring, target: str, wait: float) -> None:
    """Until every process that runs can open what will be sealed; Failed tells which can't."""
    deadline = time.monotonic() + wait
    woken = -1.0
    while missing := rotation.without(target):
        now = time.monotonic()
        if now > deadline:
            raise Failed(
                f"{', '.join(missing)} did not learn master key {target} in {wait:g} s, so nothing was "
                f"changed. Give it to each as it stands in {ring.source} (processes of an older release "
                "never learn it: stop them), and run this again",
                NOT_ENDED,
            )
        if now - woken >= 1:
            rotation.wake()
            woken = now
        time.sleep(POLL_SECONDS)


def _put_first(ring: Keyring, key_id: str) -> None:
    """The first one is that of a store which has none yet."""
    from tfserver.store.keyring import KeyFile
    from tfserver.store.vault import key_id_of

    if isinstance(ring, KeyFile) and key_id_of(ring.keys[0]) != key_id:
        by_id = dict(zip(map(key_id_of, ring.keys), ring.texts, strict=True))
        ring.replace([by_id.pop(key_id), *by_id.values()])


def _finished(rotation: Rotation, vault: Vault) -> Row:
    rotation.wake()
    before = rotation.stands()
    with progress("data keys") as tell:
        resealed = rotation.reseal(vault, tell)
    left = {key_id: count for key_id, count in resealed.stuck.items() if key_id in before.leaving}
    if left:
        told = ", ".join(f"{count} under {key_id}" for key_id, count in left.items())
        raise Failed(
            f"master key {vault.key_id} seals, but some data keys can't be opened: {told}. Are all keys "
            "here? Run this again, or go on without by 'tfserver key lost ID'"
        )
    # before the end, which may be the last that is done: rather twice than never
    rotation.note("key rotate", seals=vault.key_id, before=list(before.leaving), resealed=resealed.changed)
    if not rotation.done(vault.key_id):
        raise Failed("another change of the master key was begun meanwhile: run this again")
    return {
        "seals": vault.key_id,
        "resealed": resealed.changed,
        "retired": list(before.leaving),
        "without": rotation.without(vault.key_id),
    }
