"""``tfserver``: the command line (design §2.5).

Sub-commands are named as strings and imported when called: that keeps the start quick, and the simulator and
the command line out of each other.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Any, Final

import click

from tfserver import __version__
from tfserver.cli.groups import Later, LazyGroup
from tfserver.cli.outcome import DONE, INTERRUPTED, NOBODY_READS, REFUSED, UNREACHABLE, Failed
from tfserver.errors import StoreUnavailable, StoreUnreachable, TfserverError

COMMANDS: Final = {
    "terminals": Later("tfserver.cli.terminals", "list, show, approve or deny terminals"),
    "send": Later("tfserver.cli.send", "order a terminal to do something"),
    "snapshot": Later("tfserver.cli.snapshot", "take a snapshot of a terminal: settings, zones, people"),
    "snapshots": Later("tfserver.cli.snapshots", "list snapshots, restore terminals from them, keep files"),
    "replace": Later("tfserver.cli.replace", "let a terminal be what another was"),
    "people": Later("tfserver.cli.people", "the directory of people: list, show, change, collisions"),
    "groups": Later("tfserver.cli.people_groups", "groups of people, and on which terminals they belong"),
    "plan": Later("tfserver.cli.plan", "say what would be told to terminals so that they have their people"),
    "apply": Later("tfserver.cli.apply", "carry a plan out"),
    "plans": Later("tfserver.cli.plans", "plans that were made, and what came of them"),
    "differences": Later("tfserver.cli.differences", "how a terminal differs from what it is to have"),
    "capacity": Later("tfserver.cli.capacity", "how full terminals are, and who could leave them"),
    "enrol": Later("tfserver.cli.enrol", "let somebody enrol at a terminal"),
    "erase": Later("tfserver.cli.erase", "forget a person, everywhere"),
    "erasure": Later("tfserver.cli.erasure", "what came of forgetting people, place by place"),
    "orders": Later("tfserver.cli.orders", "what waits for a terminal and what became of it; cancel"),
    "commands": Later("tfserver.cli.words", "what a terminal can be ordered to do"),
    "punches": Later("tfserver.cli.punches", "print punches, or follow them"),
    "clock-report": Later("tfserver.cli.clock_report", "punches taken while a clock was wrong or unknown"),
    "backfill": Later("tfserver.cli.backfill", "fetch what a terminal recorded once more"),
    "completeness": Later("tfserver.cli.completeness", "until when everything is here; is a day complete?"),
    "doctor": Later("tfserver.cli.doctor", "say why a terminal does not appear, and what else is wrong"),
    "frames": Later("tfserver.cli.frames", "the last messages of a terminal, both ways"),
    "webhooks": Later("tfserver.cli.webhooks", "who is told of punches: make, pause, resume, redeliver"),
    "webhook-test": Later("tfserver.cli.webhook_test", "try out a receiver of webhooks, without a server"),
    "audit": Later("tfserver.cli.audit", "who changed what"),
    "simulate": Later("tfserver.simulator.command", "be terminals, for trying things without hardware"),
    "token": Later("tfserver.cli.token", "make, list or revoke tokens for the HTTP API"),
    "account": Later("tfserver.cli.account", "accounts of people who sign in by name and password"),
    "key": Later("tfserver.cli.key", "make, change or give up the master key of credentials"),
    "check-config": Later("tfserver.cli.check", "check a configuration file without starting"),
    "backup": Later("tfserver.cli.backup", "write all that is kept into one file"),
    "restore": Later("tfserver.cli.restore", "bring such a file back"),
    "migrate": Later("tfserver.cli.migrate", "copy all that is kept into another store and archive"),
    "completion": Later("tfserver.cli.completion", "print what makes your shell complete these words"),
}
EPILOG: Final = (
    "Exit codes: 0 done, 1 refused or failed, 2 wrong usage, 3 out of reach, 4 not ended within the wait. "
    "The server itself is started by 'twistd -n tfserver'."
)


class Program(LazyGroup):
    """Turns whatever ends a sub-command into an exit status and one message on stderr."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run a sub-command; the number it returns is the exit status."""
        try:
            status = super().invoke(ctx)
            sys.stdout.flush()
        except (Failed, TfserverError) as failed:
            name = f"{ctx.info_name} {ctx.invoked_subcommand}"
            print(f"{name}: {failed}", file=sys.stderr)
            status = _status_of(failed)
        except (KeyboardInterrupt, EOFError):
            status = INTERRUPTED
        except BrokenPipeError:
            # Whoever read our output has seen enough; the interpreter must not complain about it at its end.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            status = NOBODY_READS
        ctx.exit(status if isinstance(status, int) else DONE)


@click.group(
    "tfserver",
    cls=Program,
    later=COMMANDS,
    epilog=EPILOG,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, message="tfserver %(version)s")
@click.pass_context
def tfserver(ctx: click.Context) -> None:
    """Look after attendance and access-control terminals from the command line."""
    if ctx.invoked_subcommand is None:
        print(ctx.get_help())


def main(argv: Sequence[str] | None = None) -> int:
    """Run one sub-command and return the exit status; messages go to stderr."""
    words = list(sys.argv[1:] if argv is None else argv)
    if words == ["help"]:
        words = ["--help"]
    try:
        return int(tfserver.main(words, "tfserver", standalone_mode=False) or DONE)
    except click.ClickException as wrong:
        wrong.show()
        return wrong.exit_code
    except click.Abort:
        return INTERRUPTED


def _status_of(failed: Failed | TfserverError) -> int:
    if isinstance(failed, Failed):
        return failed.status
    return UNREACHABLE if isinstance(failed, StoreUnreachable | StoreUnavailable) else REFUSED


if __name__ == "__main__":
    sys.exit(main())
