"""``tfserver simulate``: terminals without hardware, for integrators and for tests."""

from __future__ import annotations

import argparse
import json
import random
import re
import signal
import sys
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from twisted.logger import (
    FilteringLogObserver,
    LogLevel,
    LogLevelFilterPredicate,
    globalLogBeginner,
    textFileLogObserver,
)
from twisted.python.failure import Failure

from tfserver.simulator.dialects import CHOICES
from tfserver.simulator.drill import UNACKED, USAGE, Drill, Schedule
from tfserver.simulator.fleet import Fleet
from tfserver.simulator.making import Plan, make_terminals
from tfserver.simulator.push import Timers
from tfserver.simulator.report import AckFile, Report, progress_line, summary
from tfserver.simulator.times import local_offset

EPILOG = (
    "exit code: 0 done (with --wait-ack: everything acknowledged), 1 something stayed unacknowledged, "
    "2 wrong usage, 3 could not connect at all"
)
SPARE_FILES = 64
"""Open files that the process needs besides its connections."""


class UsageError(Exception):
    """The options do not fit together, or to this computer."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the simulator to a parser."""
    parser.epilog = EPILOG
    _add_terminal_arguments(parser)
    _add_timer_arguments(parser)
    _add_run_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Run the terminals that ``args`` ask for, in the reactor of this process; returns the exit code."""
    try:
        with ExitStack() as stack:
            report = Report(_ack_file(args.ack_file, stack))
            return _run(args, report)
    except UsageError as error:
        print(f"simulate: {error}", file=sys.stderr)
        return USAGE


def _add_terminal_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--url", default="ws://127.0.0.1:7788/pub/chat", help="where the server is (%(default)s)")
    add("--terminals", type=_positive, default=1, metavar="N", help="how many terminals (%(default)s)")
    add("--dialect", choices=sorted(CHOICES), default="mixed", help="how they speak (%(default)s)")
    add(
        "--sn-prefix", default="SIMT", metavar="TEXT", help="their serial numbers begin with it (%(default)s)"
    )
    add("--users", type=_natural, default=5, metavar="N", help="people on each terminal (%(default)s)")
    add("--backlog", type=_natural, default=0, metavar="N", help="logs each holds before it connects")
    add("--batch", type=_positive, default=20, metavar="N", help="most logs in a message (%(default)s)")


def _add_timer_arguments(parser: argparse.ArgumentParser) -> None:
    add, usual = parser.add_argument, Timers()
    add("--heartbeat", type=_seconds, default=usual.heartbeat, help="seconds between pings (%(default)s)")
    add("--reg-repeat", type=_seconds, default=usual.reg, help="seconds until reg is repeated (%(default)s)")
    add("--retry", type=_seconds, default=usual.refused, help="seconds after a refused reg (%(default)s)")
    add("--answer-timeout", type=_seconds, default=usual.answer, help="seconds for an answer (%(default)s)")
    add("--resend", type=_seconds, default=usual.again, help="seconds after result:false (%(default)s)")


def _add_run_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--rate", type=_rate, default=1.0, metavar="R", help="punches a second over all (%(default)s)")
    add(
        "--enrol-rate",
        type=_rate,
        default=0.0,
        metavar="R",
        help="new people a second over all (%(default)s)",
    )
    add("--seconds", type=_seconds, metavar="S", help="stop punching after S seconds (default: Ctrl-C)")
    add("--wait-ack", action="store_true", help="then wait until everything is acknowledged")
    add("--timeout", type=_seconds, default=60.0, help="for --wait-ack and for connecting (%(default)s s)")
    add("--seed", type=int, metavar="N", help="make the chance repeatable")
    add("--ack-file", metavar="FILE", help="append each acknowledged log as a JSON line")
    add("--json", action="store_true", help="print the report as one JSON object")
    add("--progress", action="store_true", help="show progress also when stderr is no terminal window")


def _run(args: argparse.Namespace, report: Report) -> int:
    _check(args)
    _allow_connections(args.terminals + SPARE_FILES)
    # only now: whoever imports this module may want another reactor, or none
    from twisted.internet import reactor

    drill = _make_drill(args, report, reactor)
    code = _drive(drill, reactor)
    figures = drill.figures()
    print(json.dumps(figures, ensure_ascii=False) if args.json else summary(figures))
    return code


def _make_drill(args: argparse.Namespace, report: Report, reactor: Any) -> Drill:
    # Autobahn is slow to load, and other commands of the same program do not need it
    from tfserver.simulator.client import Dialler

    chance = random.Random(args.seed)
    now = reactor.seconds()
    terminals = make_terminals(_plan(args), now, local_offset(now), chance)
    try:
        dial = Dialler(reactor, args.url)
    except ValueError as error:
        raise UsageError(str(error)) from error
    fleet = Fleet(terminals, dial, reactor, chance, report)
    schedule = Schedule(args.rate, args.enrol_rate, args.seconds, args.wait_ack, args.timeout)
    return Drill(fleet, schedule, reactor, _say, _progress(args))


def _plan(args: argparse.Namespace) -> Plan:
    timers = Timers(
        reg=args.reg_repeat,
        refused=args.retry,
        answer=args.answer_timeout,
        again=args.resend,
        heartbeat=args.heartbeat,
    )
    return Plan(
        terminals=args.terminals,
        dialect=args.dialect,
        users=args.users,
        backlog=args.backlog,
        batch=args.batch,
        sn_prefix=args.sn_prefix,
        timers=timers,
    )


def _drive(drill: Drill, reactor: Any) -> int:
    """Run the reactor until the drill is over; a mistake of our own is raised again."""
    _log_warnings()
    ended: list[Any] = []

    def started() -> None:
        """Drill until the end."""
        drill.start().addBoth(ended.append).addBoth(lambda _: reactor.stop())

    reactor.callWhenRunning(started)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: reactor.callFromThread(drill.interrupt))
    reactor.run(installSignalHandlers=False)
    if not ended:
        return UNACKED
    if isinstance(ended[0], Failure):
        ended[0].raiseException()
    return int(ended[0])


def _check(args: argparse.Namespace) -> None:
    """UsageError for options that make no sense together."""
    if not re.fullmatch(r"[A-Za-z0-9._-]{0,24}", args.sn_prefix):
        raise UsageError("--sn-prefix: at most 24 letters, digits, '.', '_' or '-' expected")
    if not args.users and (args.backlog or args.rate):
        raise UsageError("without --users nobody can punch: --rate 0 and --backlog 0 expected")


def _allow_connections(files: int) -> None:
    """Raise this process's limit of open files as far as it is allowed; UsageError if that is not enough."""
    try:
        import resource
    except ImportError:
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft >= files or soft == resource.RLIM_INFINITY:
        return
    if hard != resource.RLIM_INFINITY and hard < files:
        raise UsageError(f"{files} open files are needed, {hard} allowed (ulimit -Hn)")
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, hard))
    except (ValueError, OSError) as error:
        raise UsageError(f"{files} open files are needed: {error}") from error


def _ack_file(path: str | None, stack: ExitStack) -> AckFile | None:
    if path is None:
        return None
    try:
        return AckFile(stack.enter_context(open(path, "a", encoding="utf-8")))
    except OSError as error:
        raise UsageError(f"--ack-file: {error}") from error


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _progress(args: argparse.Namespace) -> Callable[[dict[str, Any]], None]:
    if not args.progress and not sys.stderr.isatty():
        return lambda figures: None
    return lambda figures: _say(progress_line(figures))


def _log_warnings() -> None:
    """Mistakes of our own are shown; what Twisted and Autobahn only remark is not."""
    severe = LogLevelFilterPredicate(defaultLogLevel=LogLevel.error)
    observer = FilteringLogObserver(textFileLogObserver(sys.stderr), [severe])
    globalLogBeginner.beginLoggingTo([observer], redirectStandardIO=False)


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("1 or more expected")
    return number


def _natural(text: str) -> int:
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError("0 or more expected")
    return number


def _seconds(text: str) -> float:
    number = float(text)
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError("seconds above 0 expected")
    return number


def _rate(text: str) -> float:
    number = float(text)
    if not 0 <= number < float("inf"):
        raise argparse.ArgumentTypeError("0 or more a second expected")
    return number
