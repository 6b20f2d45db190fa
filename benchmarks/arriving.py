"""Punches that go on from the feed, on loopback, and what came of it. Prints one line of JSON.

``python benchmarks/arriving.py --mode deliver|arrive|archive|month --port P --people H --token T …``

deliver  ``amount`` punches wait for a receiver of webhooks: how fast they go to it, alone and beside 2,000
         punches a second, and what these suffer
arrive   punches at random moments, ``rate`` a second, of ``terminals``: from the frame to the receiver
archive  ``amount`` punches into SQL, and all of them out again as CSV and NDJSON
month    one person's month out of ``amount`` punches in SQL

Everything that comes is counted and checked. Linux only, loopback only.
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

from benchmarks import archiving, delivering

MODES: Final[dict[str, Callable[[argparse.Namespace], dict[str, Any]]]] = {
    "deliver": delivering.deliver,
    "arrive": delivering.arrive,
    "archive": archiving.archive,
    "month": archiving.month,
}


def options(arguments: list[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--mode", choices=sorted(MODES), required=True)
    parser.add_argument("--way", choices=("webhook", "peer"), default="webhook", help="who delivers")
    parser.add_argument("--port", type=int, required=True, help="where terminals connect, on 127.0.0.1")
    parser.add_argument("--people", type=int, required=True, help="port of the HTTP side")
    parser.add_argument("--token", required=True, help="of an administrator")
    parser.add_argument("--server", type=int, required=True, help="process id of the server")
    parser.add_argument("--other", type=int, default=0, help="process id of another server")
    parser.add_argument("--store", type=int, required=True, help="process id of the store")
    parser.add_argument("--socket", required=True, help="socket of the store")
    parser.add_argument("--archive", default="", help="URL of the archive")
    parser.add_argument("--beside", default="", help="URL of a database for the peer")
    parser.add_argument("--python", default=sys.executable, help="the Python that peers are installed for")
    parser.add_argument("--terminals", type=int, default=50, help="that push (arrive)")
    parser.add_argument("--amount", type=int, default=20_000, help="punches")
    parser.add_argument("--rate", type=float, default=20.0, help="punches a second (arrive)")
    parser.add_argument("--warm-up", type=float, default=1.0, help="seconds before each measured time")
    parser.add_argument("--seconds", type=float, default=5.0, help="measured time (deliver, arrive)")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    given = options(sys.argv[1:])
    json.dump(MODES[given.mode](given), sys.stdout)
    sys.stdout.write("\n")
