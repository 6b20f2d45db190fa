"""Check a configuration file without starting."""

from __future__ import annotations

import argparse

from tfserver import config


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``tfserver check-config``."""
    parser.add_argument("file")


def run(args: argparse.Namespace) -> int:
    """Say that it is right; what is wrong is an error."""
    settings = config.load(args.file, {})
    where = settings.store.url or f"embedded in {settings.data_dir}"
    print(f"{args.file}: right; terminals on {', '.join(settings.terminals.endpoints)}, store {where}")
    return 0
