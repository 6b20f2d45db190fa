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
        """Hash: a person: ``key`` (its data key, wrapped); as terminals pushed it ``p:SN`` and ``c:slot:SN``;
        as the directory has it ``person`` and what it is found by, ``k`` (its credentials by slot), ``x``
        (where terminals tell something else), ``left`` (what people took out); records sealed once in
        ``r:slot:version``, counted in ``n:slot:version``."""
        return f"{self.prefix}user:{enrollid}"

    def image(self, uid: str) -> str:
        """A picture that came with a punch, sealed."""
        return f"{self.prefix}image:{uid}"

    def session(self, digest: str) -> str:
        """A browser that is signed in, by the hash of its cookie: JSON, gone when it is over."""
        return f"{self.prefix}session:{digest}"

    def sessions(self, principal_id: str) -> str:
        """Sorted set: the sessions of one token or account, by when they end at most (ms)."""
        return f"{self.prefix}sessions:{principal_id}"

    @property
    def accounts(self) -> str:
        """Hash: name of an account → JSON, without its password."""
        return f"{self.prefix}accounts"

    @property
    def passwords(self) -> str:
        """Hash: name of an account → its password by Argon2id."""
        return f"{self.prefix}passwords"

    @property
    def sign_ins(self) -> str:
        """Hash: name of an account → when it signed in last (UTC, ms)."""
        return f"{self.prefix}sign-ins"

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
    def people(self) -> str:
        """Sorted set of the people of the directory, as numbers of 19 digits: scores are not exact."""
        return f"{self.prefix}people"

    @property
    def names(self) -> str:
        """Sorted set of ``name in small letters, NUL, enrollid``, for finding names by how they begin."""
        return f"{self.prefix}names"

    @property
    def external_ids(self) -> str:
        """Hash: external id → enrollid; no two people have the same. How often it was changed stands in
        ``meta`` as ``external_ids``."""
        return f"{self.prefix}external-ids"

    @property
    def collisions(self) -> str:
        """Sorted set of the people of whom a terminal tells something else than the directory, as in
        ``people``."""
        return f"{self.prefix}collisions"

    @property
    def groups(self) -> str:
        """Hash: name of a group → JSON."""
        return f"{self.prefix}groups"

    def members(self, group: str) -> str:
        """Sorted set of the people in a group, as in ``people``."""
        return f"{self.prefix}members:{group}"

    def holds(self, sn: str) -> str:
        """Hash: what a terminal has: ``enrollid`` → the person, ``enrollid/backupnum`` → a credential (JSON),
        ``reading`` → when its whole list was read."""
        return f"{self.prefix}holds:{canonical_sn(sn)}"

    def holders(self, enrollid: int | str) -> str:
        """Set of the terminals that have a person, as far as is known."""
        return f"{self.prefix}holders:{enrollid}"

    def reserved(self, sn: str) -> str:
        """Sorted set of the places that are kept free on a terminal: ``enrollid/backupnum`` of what an order
        is to bring, by when the place is given up (ms)."""
        return f"{self.prefix}reserved:{canonical_sn(sn)}"

    def capacities(self, sn: str) -> str:
        """Hash: day → how much of each kind was used on a terminal (JSON)."""
        return f"{self.prefix}capacities:{canonical_sn(sn)}"

    def errands(self, kind: str) -> str:
        """Sorted set of the work of one kind that is to be done, by when it is due (ms)."""
        return f"{self.prefix}errands:{kind}"

    def errand_holders(self, kind: str) -> str:
        """Hash: who does a piece of such work at present."""
        return f"{self.prefix}errand-holders:{kind}"

    def plan(self, plan_id: str) -> str:
        """Hash: a plan and what became of it."""
        return f"{self.prefix}plan:{plan_id}"

    def plan_items(self, plan_id: str, sn: str) -> str:
        """Hash: what a plan does at one terminal, by number (JSON)."""
        return f"{self.prefix}plan-items:{plan_id}:{canonical_sn(sn)}"

    @property
    def plans(self) -> str:
        """Sorted set of all plans, by when they were made (ms)."""
        return f"{self.prefix}plans"

    def erasure(self, erasure_id: str) -> str:
        """Hash: an order to forget a person: ``e`` (JSON), ``at:place`` → what came of it there (JSON)."""
        return f"{self.prefix}erasure:{erasure_id}"

    @property
    def erasures(self) -> str:
        """Sorted set of all of them, by when they were ordered (ms)."""
        return f"{self.prefix}erasures"

    @property
    def erased(self) -> str:
        """Hash: enrollid → erasure, as long as terminals may still tell of that person."""
        return f"{self.prefix}erased"

    @property
    def deleted(self) -> str:
        """Set of terminals that were deleted, as long as their orders may still be here."""
        return f"{self.prefix}deleted"

    def enrolment(self, enrolment_id: str) -> str:
        """Hash: an enrolment at a terminal, and how far it is."""
        return f"{self.prefix}enrolment:{enrolment_id}"

    @property
    def enrolments(self) -> str:
        """Sorted set of all of them, by when they were begun (ms)."""
        return f"{self.prefix}enrolments"

    def snapshot(self, snapshot_id: str) -> str:
        """Hash: what a terminal had, sealed."""
        return f"{self.prefix}snapshot:{snapshot_id}"

    @property
    def snapshots(self) -> str:
        """Sorted set of all of them as ``SN id``, by when they were taken (ms)."""
        return f"{self.prefix}snapshots"

    def import_of(self, import_id: str) -> str:
        """Hash: an import of people, and how far it is."""
        return f"{self.prefix}import:{import_id}"

    @property
    def imports(self) -> str:
        """Sorted set of all of them, by when they were begun (ms)."""
        return f"{self.prefix}imports"

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
