"""``python -m tfserver.simulator``: the same as ``tfserver simulate``."""

from __future__ import annotations

import argparse
import sys

from tfserver.simulator.command import add_arguments, run


def main() -> int:
    """Read the command line and run the terminals; returns the exit code of `command.run`."""
    parser = argparse.ArgumentParser(prog="tfserver-simulate", description="Simulate attendance terminals.")
    add_arguments(parser)
    return run(parser.parse_args())


if __name__ == "__main__":
    sys.exit(main())
