"""The vault: what it seals opens again for the same person and slot only, and errors hold nothing secret."""

from __future__ import annotations

import base64
import hashlib
import hmac

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tfserver.errors import ConfigError, StoreError
from tfserver.store.vault import KEY_BYTES, Vault, key_id_of, new_master_key, read_master_key, sealed_under

MASTER, OTHER = bytes(range(32)), bytes(32)
RECORD = "c2VjcmV0IHRlbXBsYXRl"


class MasterKeyTests(SynchronousTestCase):
    """The key as text."""

    def test_round_trip(self) -> None:
        """A fresh key is read again, whatever white space stands around it, and no two are the same."""
        made = new_master_key()
        self.assertEqual(len(read_master_key(f" {made}\n", "here")), KEY_BYTES)
        self.assertNotEqual(made, new_master_key())

    def test_malformed(self) -> None:
        """What is no key is refused with its source and the way to make one, never with itself."""
        short = base64.b64encode(b"x" * 31).decode()
        for text in ("", "sesame", short, base64.b64encode(b"x" * 33).decode(), f"{new_master_key()}!", "é"):
            error = str(self.assertRaises(ConfigError, read_master_key, text, "TFSERVER_MASTER_KEY"))
            self.assertIn("TFSERVER_MASTER_KEY", error)
            self.assertIn("tfserver key create", error)
            if text:
                self.assertNotIn(text, error)


class SealTests(SynchronousTestCase):
    """Sealing and opening."""

    def setUp(self) -> None:
        self.vault = Vault(MASTER)
        self.wrapped = self.vault.new_data_key(7)
        self.sealed = self.vault.seal(self.wrapped, 7, 10, RECORD)

    def refused(self, vault: Vault, *call: object) -> str:
        """Why something can't be opened; the text holds nothing secret."""
        error = str(self.assertRaises(StoreError, vault.open, *call))
        for secret in (RECORD, self.sealed, self.wrapped, base64.b64encode(MASTER).decode(), MASTER.hex()):
            self.assertNotIn(secret, error)
        return error

    def test_opens(self) -> None:
        """A record comes back as it was, also in another process with the same master key."""
        for vault in (self.vault, Vault(MASTER)):
            self.assertEqual(vault.open(self.wrapped, 7, 10, self.sealed), RECORD)

    @settings(derandomize=True, max_examples=50, deadline=None, database=None)
    @given(st.text(st.characters(exclude_categories=["Cs"]), max_size=200))
    def test_any_text(self, record: str) -> None:
        """Any text opens as it was sealed."""
        wrapped = self.vault.new_data_key(7)
        self.assertEqual(self.vault.open(wrapped, 7, 50, self.vault.seal(wrapped, 7, 50, record)), record)

    def test_never_the_same(self) -> None:
        """The same record sealed twice looks different: nobody sees that two people share a password."""
        self.assertNotEqual(self.vault.seal(self.wrapped, 7, 10, RECORD), self.sealed)
        self.assertNotEqual(self.vault.new_data_key(7), self.wrapped)

    def test_tampered(self) -> None:
        """One changed bit anywhere, a cut, or no base64 at all: it does not open."""
        raw = base64.b64decode(self.sealed)
        for place in (0, 12, len(raw) // 2, len(raw) - 1):
            changed = bytearray(raw)
            changed[place] ^= 1
            self.refused(self.vault, self.wrapped, 7, 10, base64.b64encode(changed).decode())
        for other in ("", "!", self.sealed[:16], self.sealed[:-4]):
            self.assertIn("credential 7/10", self.refused(self.vault, self.wrapped, 7, 10, other))

    def test_moved(self) -> None:
        """A record moved to another person or slot does not open there."""
        self.refused(self.vault, self.wrapped, 7, 11, self.sealed)
        self.refused(self.vault, self.wrapped, 8, 10, self.sealed)
        self.refused(self.vault, self.vault.new_data_key(8), 8, 10, self.sealed)
        self.refused(self.vault, self.vault.new_data_key(7), 7, 10, self.sealed)

    def test_other_master_key(self) -> None:
        """Under another master key nothing opens, and the ids of both are named."""
        other = Vault(bytes(32))
        error = self.refused(other, self.wrapped, 7, 10, self.sealed)
        self.assertIn(self.vault.key_id, error)
        self.assertIn(other.key_id, error)
        self.assertNotEqual(other.key_id, self.vault.key_id)

    def test_forged_key_id(self) -> None:
        """A data key relabelled with the present master key's id does not open."""
        other = Vault(bytes(32))
        self.refused(other, f"{other.key_id}:{self.wrapped.partition(':')[2]}", 7, 10, self.sealed)
        self.refused(other, "", 7, 10, self.sealed)

    def test_nothing_to_see(self) -> None:
        """Neither the sealed record nor the wrapped key show what is in them."""
        self.assertNotIn(RECORD.encode(), base64.b64decode(self.sealed))
        self.assertNotIn(RECORD, self.sealed)
        self.assertNotIn(MASTER[:8], base64.b64decode(self.wrapped.partition(":")[2]))


class SeveralKeysTests(SynchronousTestCase):
    """One master key seals, and all open."""

    def setUp(self) -> None:
        self.old = Vault(MASTER)
        self.wrapped = self.old.new_data_key(7)
        self.sealed = self.old.seal(self.wrapped, 7, 10, RECORD)

    def test_first_seals(self) -> None:
        """What is new is sealed under the first, and what the others sealed opens too."""
        vault = Vault(OTHER, MASTER)
        self.assertEqual(vault.open(self.wrapped, 7, 10, self.sealed), RECORD)
        self.assertEqual(sealed_under(vault.new_data_key(7)), key_id_of(OTHER))
        self.assertEqual(vault.known, (key_id_of(OTHER), key_id_of(MASTER)))

    def test_wrapped_anew(self) -> None:
        """A data key that is wrapped anew opens without the old master key; the credential stays."""
        wrapped = Vault(OTHER, MASTER).wrapped_anew(self.wrapped, 7)
        self.assertEqual(Vault(OTHER).open(wrapped, 7, 10, self.sealed), RECORD)
        for number in (8, -7):
            self.assertRaises(StoreError, Vault(OTHER, MASTER).wrapped_anew, self.wrapped, number)

    def test_follows(self) -> None:
        """The store says which seals, whatever comes first."""
        vault = Vault(MASTER, OTHER)
        vault.follow(key_id_of(OTHER))
        self.assertEqual(sealed_under(vault.new_data_key(7)), key_id_of(OTHER))
        self.assertEqual(vault.open(self.wrapped, 7, 10, self.sealed), RECORD)

    def test_looks_again(self) -> None:
        """An unknown master key is looked for where they come from, both to open and to seal."""
        keys = [MASTER]
        vault = Vault(*keys, more=lambda: keys)
        wrapped = Vault(OTHER).new_data_key(8)
        sealed = Vault(OTHER).seal(wrapped, 8, 10, RECORD)
        self.assertRaises(StoreError, vault.open, wrapped, 8, 10, sealed)
        keys.append(OTHER)
        self.assertEqual(vault.open(wrapped, 8, 10, sealed), RECORD)
        third = bytes([3]) * KEY_BYTES
        vault.follow(key_id_of(third))
        self.assertIn(key_id_of(third), str(self.assertRaises(StoreError, vault.new_data_key, 7)))
        keys.append(third)
        self.assertEqual(sealed_under(vault.new_data_key(7)), key_id_of(third))

    def test_versions_stay(self) -> None:
        """A credential has the same version after a change, also for who knows only the new master key."""
        vault = Vault(MASTER, OTHER)
        version, picture = vault.version_of(RECORD), vault.seal_picture("u1", "face")
        versions, pictures = vault.own_keys(key_id_of(OTHER))
        later = Vault(OTHER)
        self.assertNotEqual(later.version_of(RECORD), version)
        later.follow(key_id_of(OTHER), versions, pictures)
        self.assertEqual(later.version_of(RECORD), version)
        self.assertEqual(later.open_picture("u1", picture), "face")
        third = Vault(OTHER, bytes([3]) * KEY_BYTES)
        third.follow(key_id_of(OTHER), versions, pictures)
        again = third.own_keys(key_id_of(bytes([3]) * KEY_BYTES))
        third.follow(key_id_of(bytes([3]) * KEY_BYTES), *again)
        self.assertEqual(third.version_of(RECORD), version)

    def test_versions_as_before(self) -> None:
        """Where the master key was never changed, versions are those of earlier releases."""
        known = hmac.new(
            hashlib.sha256(b"tfserver versions of credentials" + MASTER).digest(), b"1234", hashlib.sha256
        )
        vault = Vault(MASTER)
        vault.follow(key_id_of(MASTER))
        self.assertEqual(vault.version_of("1234"), known.hexdigest()[:24])

    def test_pictures(self) -> None:
        """A picture is sealed for its punch, and not twice the same."""
        sealed = self.old.seal_picture("u1", RECORD)
        self.assertNotIn(RECORD, sealed)
        self.assertNotEqual(self.old.seal_picture("u1", RECORD), sealed)
        self.assertEqual(self.old.open_picture("u1", sealed), RECORD)
        self.assertRaises(StoreError, self.old.open_picture, "u2", sealed)
