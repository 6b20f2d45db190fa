"""Orders for simulated terminals on loopback, and what came of them. Prints one line of JSON.

``python benchmarks/ordering.py --mode doors|orders|pull --port P --people H --token T --server PID …``

doors   ``opendoor`` at random moments over HTTP, ``rate`` a second, each waiting for its end; before them as
        many punches, whose answers tell how long one way to the disk takes
orders  ``amount`` credentials for each terminal, put over HTTP or by a process of its own, while others push
        ``rate`` punches a second; before it the same punches alone
pull    ``amount`` logs read from one terminal, all new and then all known; before it the terminal pushes

Each answer is checked, and so is what the store holds afterwards. Linux only, loopback only.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

# Run as a program only its own folder is looked in.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks import doors, filling, pulling

MODES: Final[dict[str, Callable[[argparse.Namespace], dict[str, Any]]]] = {
    "doors": doors.measure,
    "orders": filling.measure,
    "pull": pulling.measure,
}


def options(arguments: list[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--mode", choices=sorted(MODES), required=True)
    parser.add_argument("--way", choices=("http", "process"), default="http", help="how orders are put")
    parser.add_argument("--port", type=int, required=True, help="where terminals connect, on 127.0.0.1")
    parser.add_argument("--people", type=int, required=True, help="port of the HTTP side that is asked")
    parser.add_argument("--token", required=True, help="of an operator")
    parser.add_argument("--server", type=int, required=True, help="process id of the terminals' server")
    parser.add_argument("--other", type=int, default=0, help="process id of the server that is asked")
    parser.add_argument("--store", type=int, required=True, help="process id of the store")
    parser.add_argument("--socket", required=True, help="socket of the store")
    parser.add_argument("--terminals", type=int, default=50, help="that obey")
    parser.add_argument("--amount", type=int, default=20, help="orders for each terminal, or logs on it")
    parser.add_argument("--rate", type=float, default=200.0, help="doors or punches a second")
    parser.add_argument("--takes", type=float, default=0.0, help="seconds until a terminal answers (doors)")
    parser.add_argument("--warm-up", type=float, default=1.0, help="seconds before each measured time")
    parser.add_argument("--seconds", type=float, default=5.0, help="measured time (doors, orders)")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    given = options(sys.argv[1:])
    json.dump(MODES[given.mode](given), sys.stdout)
    sys.stdout.write("\n")
