"""Make a master key for credentials: base64 of 32 random bytes, printed alone."""

from __future__ import annotations

import argparse

from tfserver.store.vault import new_master_key


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``tfserver key``."""
    parser.add_argument("action", choices=("create",))


def run(_: argparse.Namespace) -> int:
    """Print a fresh key; keep it safe, and apart from the data."""
    print(new_master_key())
    return 0
