"""Why the registry gives a terminal no lease, and why it takes no decision."""

from __future__ import annotations


class RegistryFull(Exception):
    """No room to remember another pending terminal or claimant."""


class Stray(Exception):
    """It can't be the terminal that it says it is: it comes from elsewhere, or does not know its path."""


class LeaseHeld(Exception):
    """Another device under the same number, at ``holder``, keeps the lease for ``seconds``; ``is_new``: from
    now on."""

    def __init__(self, holder: str, seconds: int, is_new: int) -> None:
        super().__init__(f"the terminal at {holder} keeps the lease for {seconds} s")
        self.holder = holder
        self.seconds = seconds
        self.is_new = bool(is_new)


class Undecided(Exception):
    """Which of the devices that claim a terminal is to be approved is not clear."""

    def __init__(self, sn: str, are_several: bool) -> None:
        why = "several devices claim it" if are_several else "no such device claims it any more"
        super().__init__(f"terminal {sn}: {why}; look at GET /quarantine, and name cpusn and mac of one")
