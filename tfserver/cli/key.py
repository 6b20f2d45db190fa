"""Master keys of credentials: make one, see what needs which, change to another, go on without a lost one."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from tfserver.cli.outcome import Failed
from tfserver.cli.output import Column, People, Row, prints, progress
from tfserver.cli.rotating import rotated
from tfserver.cli.stores import Place, in_store, uses_store

if TYPE_CHECKING:
    from tfserver.store.address import Address
    from tfserver.store.blocking import Blocking
    from tfserver.store.keyring import Keyring
    from tfserver.store.masterkey import Standing

F = TypeVar("F", bound=Callable[..., Any])
COLUMNS: Final = (
    Column("key", lambda row: row["key"]),
    Column("it", lambda row: row["role"]),
    Column("here", lambda row: row["here"]),
    Column("people", lambda row: row["people"]),
    Column("credentials", lambda row: row["credentials"]),
    Column("webhooks", lambda row: row["webhooks"]),
    Column("orders", lambda row: row["orders"]),
    Column("others", lambda row: row["others"]),
    Column("processes", lambda row: ", ".join(row["processes"])),
)

_key_file = click.option(
    "--key-file",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False),
    help="Where the master keys stand; wins over the variable and vault.key_file.",
)


@click.group("key", no_args_is_help=False)
def command() -> None:
    """Make and change the master key of credentials. No key is ever shown, but by 'create'."""


@command.command("create")
@prints
def create(out: People) -> None:
    """Print a fresh key; keep it safe, and apart from the data.

    \b
      tfserver key create > master.key && chmod 600 master.key
    """
    # the vault brings half of the server with it
    from tfserver.store.vault import new_master_key

    key = new_master_key()
    out.said(key, {"key": key})


@command.command("list")
@_key_file
@uses_store
@prints
def listing(place: Place, out: People, key_file: str | None) -> None:
    """The ids of all master keys: which seals, how much is sealed under each, who has it."""
    settings = place.settings()
    ring = _ring_if_any(place, key_file)

    def work(address: Address) -> list[Row]:
        """Count."""
        from tfserver.store.blocking import Blocking

        with Blocking(address) as store:
            return _rows(store, settings.store.prefix, ring)

    out.rows(in_store(settings, work), COLUMNS, "no master key was ever used with this store")


@command.command("rotate")
@click.option("--to", metavar="ID", help="A key that is among them already; else a new one is made.")
@click.option(
    "--wait",
    type=click.FloatRange(0),
    default=60.0,
    show_default=True,
    help="Seconds for servers to learn it.",
)
@_key_file
@uses_store
@prints
def rotate(place: Place, out: People, to: str | None, wait: float, key_file: str | None) -> None:
    """Change to another master key while servers run. If it was broken off, run it again.

    \b
      tfserver key rotate                                  # the key of ./tfserver-data
      tfserver key rotate --redis redis://db.example --key-file /etc/tfserver/master.key
    """
    settings = place.settings()
    ring = _ring(place, key_file)

    def work(address: Address) -> Row:
        """Step by step."""
        from tfserver.store.blocking import Blocking
        from tfserver.store.keyring import KeyFile
        from tfserver.store.rotation import Rotation

        with Blocking(address) as store, contextlib.ExitStack() as held:
            if isinstance(ring, KeyFile):
                held.enter_context(ring.held())
            return rotated(Rotation(store, settings.store.prefix), ring, to or "", wait)

    told = in_store(settings, work)
    old = ", ".join(told["retired"])
    out.said(
        f"master key {told['seals']} seals; {told['resealed']} data keys were sealed anew. This store needs "
        f"no other any more; backups from before need {old or 'theirs'}: when the last of them is gone, "
        f"'tfserver key forget {old or 'ID'}'{_still_without(told['without'])}",
        told,
    )


@command.command("forget")
@click.argument("key_id", metavar="ID")
@_key_file
@uses_store
@prints
def forget(place: Place, out: People, key_id: str, key_file: str | None) -> None:
    """Take a key out of the key file when nothing is sealed under it any more, and no backup needs it."""
    settings = place.settings()
    ring = _ring(place, key_file)

    def work(address: Address) -> None:
        """See whether it may be, then do it."""
        from tfserver.store.blocking import Blocking

        with Blocking(address) as store:
            _forget(store, settings.store.prefix, ring, key_id)

    in_store(settings, work)
    out.said(f"{key_id}: forgotten, it stands in {ring.source} no more", {"key": key_id, "forgotten": True})


@command.command("lost")
@click.argument("key_id", metavar="ID")
@click.option("--confirm", metavar="ID", help="The same once more.")
@_key_file
@uses_store
@prints
def lost(place: Place, out: People, key_id: str, confirm: str | None, key_file: str | None) -> None:
    """Go on without a key that is gone for good: what was sealed under it is forgotten."""
    settings = place.settings()
    ring = _ring(place, key_file)

    def work(address: Address) -> Row:
        """See whether it may be, then do it."""
        from tfserver.store.blocking import Blocking

        with Blocking(address) as store:
            return _lost(store, settings.store.prefix, ring, key_id, confirm)

    told = in_store(settings, work)
    out.said(
        f"{key_id}: forgotten with what {told['people']} people had sealed and {told['orders']} values that "
        f"orders bring; {told['webhooks']} webhooks are paused until each gets a new secret. Terminals keep "
        f"what they have; master key {told['seals']} seals",
        told,
    )


def _still_without(owners: list[str]) -> str:
    return f". {', '.join(owners)} can't open it: give it to them" if owners else ""


def _ring_if_any(place: Place, key_file: str | None) -> Keyring | None:
    from tfserver.store.keyring import KeyFile
    from tfserver.store.secrets import kept_keys

    return KeyFile(Path(key_file)) if key_file else kept_keys(place.settings())


def _ring(place: Place, key_file: str | None) -> Keyring:
    found = _ring_if_any(place, key_file)
    if found is None:
        raise Failed(
            "there is no master key here: give --key-file; if all are lost, 'tfserver key create' makes one"
        )
    return found


def _rows(store: Blocking, prefix: str, ring: Keyring | None) -> list[Row]:
    from tfserver.store.rotation import Rotation
    from tfserver.store.sealedunder import Sealed, sealed_by_key
    from tfserver.store.vault import key_id_of

    rotation = Rotation(store, prefix)
    stands, found, processes = rotation.stands(), sealed_by_key(store, prefix), rotation.processes()
    here = [key_id_of(key) for key in ring.keys] if ring is not None else []
    named = [stands.seals, stands.following, *stands.leaving, *found, *stands.retired, *here]
    return [
        {
            "key": key_id,
            "role": _role(key_id, stands),
            "here": key_id in here,
            **found.get(key_id, Sealed())._asdict(),
            "processes": sorted(owner for owner, known in processes.items() if key_id in (known or ())),
        }
        for key_id in dict.fromkeys(one for one in named if one)
    ]


def _role(key_id: str, stands: Standing) -> str:
    if key_id == stands.seals:
        return "seals"
    if key_id == stands.following:
        return "is to seal next"
    if key_id in stands.leaving:
        return "is being left"
    return "sealed once" if key_id in stands.retired else "opens"


def _forget(store: Blocking, prefix: str, ring: Keyring, key_id: str) -> None:
    from tfserver.store.keyring import KeyFile
    from tfserver.store.rotation import Rotation
    from tfserver.store.sealedunder import Sealed, in_words, sealed_by_key
    from tfserver.store.vault import key_id_of

    rotation = Rotation(store, prefix)
    stands = rotation.stands()
    if key_id in (stands.seals, stands.following, *stands.leaving):
        raise Failed(f"{key_id} {_role(key_id, stands)}: first 'tfserver key rotate'")
    found = sealed_by_key(store, prefix).get(key_id, Sealed())
    if found.total:
        raise Failed(f"{in_words(found)} are sealed under {key_id}: first 'tfserver key rotate'")
    by_id = dict(zip(map(key_id_of, ring.keys), ring.texts, strict=True))
    if by_id.pop(key_id, None) is None:
        raise Failed(f"there is no master key {key_id} in {ring.source}")
    if not by_id:
        raise Failed(f"{key_id} is the only one in {ring.source}")
    if not isinstance(ring, KeyFile):
        raise Failed(f"nothing is sealed under {key_id}: take it out of {ring.source} yourself")
    with ring.held():
        ring.replace(list(by_id.values()))
    rotation.drop(key_id)
    rotation.note("key forget", key=key_id)


def _lost(store: Blocking, prefix: str, ring: Keyring, key_id: str, confirm: str | None) -> Row:
    from tfserver.store.rotation import Rotation
    from tfserver.store.sealedunder import in_words, sealed_by_key
    from tfserver.store.vault import Vault

    rotation, vault = Rotation(store, prefix), Vault(*ring.keys, more=ring.again)
    stands, found = rotation.stands(), sealed_by_key(store, prefix).get(key_id)
    if found is None and key_id not in (stands.seals, *stands.leaving, *stands.retired):
        raise Failed(f"nothing was ever sealed under {key_id}")
    if vault.has(key_id):
        raise Failed(f"{key_id} is not lost: it stands in {ring.source}")
    having = [owner for owner, known in rotation.processes().items() if key_id in (known or (key_id,))]
    if having:
        raise Failed(f"{key_id} is not lost yet: {', '.join(having)} may have it in memory; stop it first")
    if confirm != key_id:
        raise Failed(f"this forgets {in_words(found)} for good: say --confirm {key_id}")
    instead = vault.key_id if stands.seals == key_id else stands.seals
    if not vault.has(instead):
        raise Failed(f"master key {instead} seals, and it is not in {ring.source}: give --key-file")
    with progress("people") as tell:
        forgotten = rotation.lose(vault, key_id, instead, tell)
    rotation.note("key lost", key=key_id, seals=instead, **forgotten._asdict())
    rotation.wake()
    return {"key": key_id, "seals": instead, **forgotten._asdict()}
