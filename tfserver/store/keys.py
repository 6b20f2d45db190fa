"""Every key of ours in Redis, spelled here and nowhere else (design §3.1)."""

from __future__ import annotations

from tfserver.model import canonical_sn


class Keys:
    """Names of keys under one prefix. Serial numbers are taken in any case."""

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix
        self.meta = f"{prefix}meta"
        """Hash: ``schema``, ``reader`` (the oldest schema that may read it)."""
        self.punches = f"{prefix}punches"
        """Stream: ``v``, ``p`` (the punch as JSON)."""
        self.quarantine = f"{prefix}quarantine"
        """Stream of records that could not be read and of repeats: ``v``, ``q`` (JSON)."""
        self.claimants = f"{prefix}claimants"
        """Hash ``SN|cpusn|mac`` → JSON: terminals that claim a serial number pinned to another."""
        self.terminals = f"{prefix}terminals"
        """Sorted set of all serial numbers, by their names."""
        self.pending = f"{prefix}pending"
        """Sorted set of the serial numbers that wait for approval, by when they were seen first."""
        self.heard = f"{prefix}heard"
        """Sorted set: when each terminal was heard last (UTC, ms)."""
        self.punched = f"{prefix}punched"
        """Sorted set: when the last punch of each terminal came (UTC, ms)."""
        self.tokens = f"{prefix}tokens"
        """Hash: SHA-256 of a token → JSON."""
        self.everybody = f"{prefix}wake"
        """Channel that every process listens to."""

    def terminal(self, sn: str) -> str:
        """Hash: what is known of one terminal."""
        return f"{self.prefix}terminal:{canonical_sn(sn)}"

    def known(self, sn: str) -> str:
        """Beginning of the sets of known punches; a day ``YYYYMMDD`` of the device's time follows."""
        return f"{self.prefix}known:{canonical_sn(sn)}:"

    def sighted(self, sn: str) -> str:
        """Beginning of the sets that tell under which ``logindex`` a punch was first seen; a day follows."""
        return f"{self.prefix}sighted:{canonical_sn(sn)}:"

    def user(self, enrollid: int) -> str:
        """Hash: a person as terminals pushed it: ``key``, ``p:SN``, ``c:backupnum:SN``."""
        return f"{self.prefix}user:{enrollid}"

    def image(self, uid: str) -> str:
        """A picture that came with a punch."""
        return f"{self.prefix}image:{uid}"

    def alive(self, owner: str) -> str:
        """Heartbeat of one process."""
        return f"{self.prefix}alive:{owner}"

    def lost(self, owner: str) -> str:
        """Set of the leases that one process lost: ``connection SN``, and a mark while it is whole."""
        return f"{self.prefix}lost:{owner}"

    def wake(self, owner: str) -> str:
        """Channel of one process."""
        return f"{self.prefix}wake:{owner}"
