"""``tfserver``: the command line (design §2.5).

Sub-commands are named as strings and imported when called: that keeps the start quick, and the simulator and
the command line out of each other.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from typing import Final

from tfserver import __version__
from tfserver.cli.outcome import UNREACHABLE, Failed
from tfserver.errors import StoreUnreachable, TfserverError

COMMANDS: Final = {
    "terminals": ("tfserver.cli.terminals", "list, show, approve or deny terminals"),
    "punches": ("tfserver.cli.punches", "print punches, or follow them"),
    "simulate": ("tfserver.simulator.command", "be terminals, for trying things without hardware"),
    "token": ("tfserver.cli.token", "make a token for the HTTP API"),
    "key": ("tfserver.cli.key", "make a master key for credentials"),
    "check-config": ("tfserver.cli.check", "check a configuration file without starting"),
}
USAGE: Final = 2


def main(argv: Sequence[str] | None = None) -> int:
    """Run one sub-command and return the exit status.

    0 is success, 1 a refusal or failure, 2 wrong usage, 3 a server out of reach; the message goes to stderr.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    if not words or words[0] not in COMMANDS:
        return _overview(words)
    name = words[0]
    module = importlib.import_module(COMMANDS[name][0])
    parser = argparse.ArgumentParser(prog=f"tfserver {name}", description=module.__doc__)
    module.add_arguments(parser)
    try:
        return int(module.run(parser.parse_args(words[1:])))
    except Failed as failed:
        print(f"tfserver {name}: {failed}", file=sys.stderr)
        return failed.status
    except StoreUnreachable as failed:
        print(f"tfserver {name}: {failed}", file=sys.stderr)
        return UNREACHABLE
    except TfserverError as failed:
        print(f"tfserver {name}: {failed}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Whoever read our output has seen enough; the interpreter must not complain about it at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141


def _overview(words: list[str]) -> int:
    if words[:1] == ["--version"]:
        print(f"tfserver {__version__}")
        return 0
    asked = not words or words[0] in ("-h", "--help", "help")
    out = sys.stdout if asked else sys.stderr
    if not asked:
        print(f"tfserver: there is no command '{words[0]}'", file=out)
    print("usage: tfserver COMMAND …   ('tfserver COMMAND --help' tells more)\n", file=out)
    for name, (_, help_text) in COMMANDS.items():
        print(f"  {name:<14}{help_text}", file=out)
    print("\nThe server itself is started by 'twistd -n tfserver'.", file=out)
    return 0 if asked else USAGE


if __name__ == "__main__":
    sys.exit(main())
