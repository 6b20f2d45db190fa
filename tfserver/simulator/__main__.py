"""``python -m tfserver.simulator``: the same as ``tfserver simulate``."""

from __future__ import annotations

import sys

import click

from tfserver.simulator.command import command


def main() -> int:
    """Read the command line and run the terminals; returns the exit code of `command.run`."""
    try:
        return int(command.main(prog_name="tfserver-simulate", standalone_mode=False) or 0)
    except click.ClickException as wrong:
        wrong.show()
        return wrong.exit_code
    except click.Abort:
        return 130


if __name__ == "__main__":
    sys.exit(main())
