"""Numbers of people on the command line."""

from __future__ import annotations

from typing import Final

import click

ENROLLID: Final = click.IntRange(1, 10**15 - 1)
number_argument: Final = click.argument("enrollid", type=ENROLLID)
numbers_argument: Final = click.argument(
    "numbers", metavar="ENROLLID...", type=ENROLLID, nargs=-1, required=True
)
