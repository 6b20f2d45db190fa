"""Every key of ours in Redis, spelled here and nowhere else (design §3.1)."""

from __future__ import annotations

from tfserver.model import canonical_sn


class Keys:
    """Names of keys under one prefix. Serial numbers are taken in any case."""

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix
        self.meta = f"{prefix}meta"
        """Hash: ``schema``, ``reader`` (the oldest schema that may read it); ``generation``, ``lineage``,
        ``replid``, ``run``, ``where``, ``since``, ``leapt``, ``seen``, ``replicated`` (generation.lua);
        ``…_key``, ``…_keys`` (masterkey.py)."""
        self.confirmed = f"{prefix}confirmed"
        """Empty: written behind what replicas have to confirm."""
        self.punches = f"{prefix}punches"
        """Stream: ``v``, ``p`` (the punch as JSON)."""
        self.quarantine = f"{prefix}quarantine"
        """Stream of records that could not be read and of repeats: ``v``, ``q`` (JSON)."""
        self.quarantine_shares = f"{prefix}quarantine-shares"
        """Hash: serial number → how many of its records are in the quarantine."""
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
        """Hash: SHA-256 of a token → JSON, empty once it is revoked for good."""
        self.everybody = f"{prefix}wake"
        """Channel that every process listens to."""

        self.deadlines = f"{prefix}deadlines"
        """Sorted set: the open orders of all terminals, by when they have to be looked at (ms)."""
        self.sequence = f"{prefix}sequence"
        """Counter: in which order orders came."""
        self.events = f"{prefix}events"
        """Stream of what happened to orders and terminals: ``kind``, ``d`` (JSON)."""
        self.audit = f"{prefix}audit"
        """Stream of who did what: ``a`` (JSON)."""
        self.models = f"{prefix}models"
        """Hash: ``model|firmware`` → JSON, notes on a kind of terminal; ``…|word`` → how often in a row that
        was not answered; ``…|(claimed)`` → until when somebody makes the notes (ms)."""

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
        """A picture that came with a punch, sealed."""
        return f"{self.prefix}image:{uid}"

    def session(self, digest: str) -> str:
        """A browser that is signed in, by the hash of its cookie: JSON, gone when it is over."""
        return f"{self.prefix}session:{digest}"

    def sessions(self, token_id: str) -> str:
        """Sorted set: the sessions of one token, by when they end at most (ms)."""
        return f"{self.prefix}sessions:{token_id}"

    def order(self, order_id: str) -> str:
        """Hash: one order: ``told`` (JSON) never changes, all else does."""
        return f"{self.prefix}order:{order_id}"

    def orders(self, sn: str) -> str:
        """Sorted set: the orders of a terminal, open and ended, by their numbers."""
        return f"{self.prefix}orders:{canonical_sn(sn)}"

    def queue(self, sn: str) -> str:
        """Sorted set: the open orders of a terminal, those for doors first."""
        return f"{self.prefix}queue:{canonical_sn(sn)}"

    def due(self, owner: str) -> str:
        """Set of the terminals of one process that have open orders."""
        return f"{self.prefix}due:{owner}"

    def sealed(self, name: str) -> str:
        """Hash: a credential that orders are to bring, by ``enrollid/backupnum/version``: ``value``, sealed,
        ``key``, the beginning of the data key it is sealed under, ``until`` (ms), and the ids of the open
        orders that bring it."""
        return f"{self.prefix}sealed:{name}"

    def idempotency(self, key: str) -> str:
        """What was asked under an idempotency key: digest and id."""
        return f"{self.prefix}key:{key}"

    def backfill(self, backfill_id: str) -> str:
        """Hash: one backfill: ``b`` (JSON, as it was asked for), ``created`` (ms), and what came of its
        orders: ``done``, ``failed``, ``records``, ``new``."""
        return f"{self.prefix}backfill:{backfill_id}"

    @property
    def headcount(self) -> str:
        """Hash: process → how many terminals it has (JSON)."""
        return f"{self.prefix}headcount"

    @property
    def backfills(self) -> str:
        """Sorted set of all backfills as ``SN id``, by when they were asked for (ms)."""
        return f"{self.prefix}backfills"

    @property
    def news(self) -> str:
        """Stream of what happened to terminals, for webhooks: ``d`` (JSON with ``sn``, ``event``, ``at``,
        ``site``). Bounded apart from the events of orders, so that these don't push it out."""
        return f"{self.prefix}news"

    @property
    def owners(self) -> str:
        """Set of the processes that may own terminals; one without a heartbeat is gone."""
        return f"{self.prefix}owners"

    @property
    def archived(self) -> str:
        """Hash: ``archive`` (id of the database that takes the punches), ``place`` (the last punch in it),
        ``trimmed`` (what is before this place may be only there), ``passed`` (how many entries of the stream
        are in it), ``holder``, ``until`` (whose turn it is)."""
        return f"{self.prefix}archived"

    @property
    def webhooks(self) -> str:
        """Set of the ids of all webhooks."""
        return f"{self.prefix}webhooks"

    def webhook(self, webhook_id: str) -> str:
        """Hash: one webhook: what was asked, where it stands, who delivers, how it fares."""
        return f"{self.prefix}webhook:{webhook_id}"

    def dead(self, webhook_id: str) -> str:
        """Stream of the messages that a webhook refused: ``d`` (JSON: why), ``m`` (the message)."""
        return f"{self.prefix}dead:{webhook_id}"

    def again(self, webhook_id: str) -> str:
        """Stream of those of them that are to be sent again, as they were."""
        return f"{self.prefix}again:{webhook_id}"

    def alive(self, owner: str) -> str:
        """Heartbeat of one process."""
        return f"{self.prefix}alive:{owner}"

    def lost(self, owner: str) -> str:
        """Set of the leases that one process lost: ``connection SN``, and a mark while it is whole."""
        return f"{self.prefix}lost:{owner}"

    def wake(self, owner: str) -> str:
        """Channel of one process."""
        return f"{self.prefix}wake:{owner}"
