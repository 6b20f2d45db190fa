"""``tfserver simulate``: terminals without hardware, for integrators and for tests."""

from __future__ import annotations

import json
import random
import re
import signal
import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO, TypeVar

import click

from tfserver.simulator.capacity import KINDS as CAPACITIES
from tfserver.simulator.dialects import CHOICES
from tfserver.simulator.making import Plan, make_terminals
from tfserver.simulator.moods import FORM, KINDS, Mood, describe_moods
from tfserver.simulator.options import capacities, credentials, moods, rate, seconds
from tfserver.simulator.push import Timers
from tfserver.simulator.report import AckFile, ObeyedFile, Report, progress_line, summary
from tfserver.simulator.times import local_offset

if TYPE_CHECKING:
    from tfserver.simulator.drill import Drill
    from tfserver.simulator.fleet import Fleet

EPILOG = (
    "exit code: 0 done (with --wait-ack: everything acknowledged), 1 something stayed unacknowledged, "
    "2 wrong usage, 3 could not connect at all"
)
SPARE_FILES = 64
"""Open files that the process needs besides its connections."""
USUAL = Timers()

F = TypeVar("F", bound=Callable[..., Any])


class UsageError(Exception):
    """The options do not fit together, or to this computer."""


def _show_moods(context: click.Context, option: click.Parameter, wanted: bool) -> None:
    if wanted and not context.resilient_parsing:
        click.echo(describe_moods())
        context.exit()


@dataclass(frozen=True, slots=True)
class Options:
    """What a run is asked for, named as on the command line."""

    url: str
    ca: str | None
    terminals: int
    dialect: str
    sn_prefix: str
    users: int
    history: int
    backlog: int
    batch: int
    heartbeat: float
    reg_repeat: float
    retry: float
    answer_timeout: float
    resend: float
    rate: float
    enrol_rate: float
    seconds: float | None
    wait_ack: bool
    timeout: float
    seed: int | None
    ack_file: str | None
    obeyed_file: str | None
    holds: str | None
    mood: tuple[Mood, ...] | None
    credentials: tuple[int, ...] | None
    capacity: dict[str, int] | None
    fpalgo: str
    json: bool
    progress: bool


def _number(least: int) -> click.IntRange:
    return click.IntRange(min=least)


def _option(name: str, kind: Any, default: Any, told: str, metavar: str | None = None) -> Callable[[F], F]:
    return click.option(name, type=kind, default=default, show_default=True, help=told, metavar=metavar)


@click.command("simulate", epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@_option("--url", str, "ws://127.0.0.1:7788/pub/chat", "Where the server is.")
@click.option("--ca", metavar="FILE", help="Who vouches for a wss: server (PEM); else the system says.")
@_option("--terminals", _number(1), 1, "How many terminals.", "N")
@_option("--dialect", click.Choice(sorted(CHOICES)), "mixed", "How they speak.")
@_option("--sn-prefix", str, "SIMT", "Their serial numbers begin with it.", "TEXT")
@click.option(
    "--users",
    "--people",
    "users",
    type=_number(0),
    default=5,
    show_default=True,
    metavar="N",
    help="People on each terminal.",
)
@click.option(
    "--credentials",
    type=credentials,
    metavar="SLOTS",
    help="Everybody has these, where the dialect knows them, as in 0,11,50 (default: a few of the dialect).",
)
@click.option(
    "--capacity",
    type=capacities,
    metavar="SIZES",
    help=f"How many of each kind a terminal takes, as in user=500,fp=1000; kinds: {', '.join(CAPACITIES)}.",
)
@_option("--fpalgo", str, "", "Algorithm of its fingerprints, in the place of the dialect's.", "NAME")
@_option("--history", _number(0), 0, "Logs each holds that were acknowledged long ago.", "N")
@_option("--backlog", _number(0), 0, "Logs each holds before it connects.", "N")
@_option("--batch", _number(1), 20, "Most logs in a message.", "N")
@_option("--heartbeat", seconds, USUAL.heartbeat, "Seconds between pings.")
@_option("--reg-repeat", seconds, USUAL.reg, "Seconds until reg is repeated.")
@_option("--retry", seconds, USUAL.refused, "Seconds after a refused reg.")
@_option("--answer-timeout", seconds, USUAL.answer, "Seconds for an answer.")
@_option("--resend", seconds, USUAL.again, "Seconds after result:false.")
@_option("--rate", rate, 1.0, "Punches a second over all.", "R")
@_option("--enrol-rate", rate, 0.0, "New people a second over all.", "R")
@click.option("--seconds", type=seconds, metavar="S", help="Stop punching after S seconds (default: Ctrl-C).")
@click.option("--wait-ack", is_flag=True, help="Then wait until everything is acknowledged.")
@_option("--timeout", seconds, 60.0, "Seconds for --wait-ack and for connecting.")
@click.option("--seed", type=int, metavar="N", help="Make the chance repeatable.")
@click.option("--ack-file", metavar="FILE", help="Append each acknowledged log as a JSON line.")
@click.option("--obeyed-file", metavar="FILE", help="Append each command that was done as a JSON line.")
@click.option(
    "--holds", metavar="FILE", help="Write all people of the terminals, as JSON, at the end and on SIGUSR1."
)
@click.option(
    "--mood",
    type=moods,
    metavar="MOODS",
    help=f"Odd ways to answer commands, each {FORM}, with commas between: {', '.join(KINDS)} (see --moods).",
)
@click.option(
    "--moods",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=_show_moods,
    help="Say what each kind of mood does, and end.",
)
@click.option("--json", is_flag=True, help="Print the report as one JSON object.")
@click.option("--progress", is_flag=True, help="Show progress also when stderr is no terminal window.")
def command(**given: Any) -> int:
    """Be attendance terminals, for trying things without hardware.

    \b
      tfserver simulate --terminals 50 --rate 20 --seconds 60
      tfserver simulate --terminals 5 --backlog 1000 --rate 0 --wait-ack
    """
    return run(Options(**given))


def run(options: Options) -> int:
    """Run the terminals that are asked for, in the reactor of this process; returns the exit code."""
    from tfserver.simulator.drill import USAGE

    try:
        with ExitStack() as stack:
            return _run(options, _report(options, stack))
    except UsageError as error:
        print(f"simulate: {error}", file=sys.stderr)
        return USAGE


def _run(options: Options, report: Report) -> int:
    _check(options)
    _allow_connections(options.terminals + SPARE_FILES)
    # only now: whoever imports this module may want another reactor, or none
    from twisted.internet import reactor

    fleet = _make_fleet(options, report, reactor)
    drill = _make_drill(options, fleet, reactor)
    write = _writer(options, fleet)
    code = _drive(drill, reactor, {signal.SIGUSR1: write, signal.SIGUSR2: fleet.leave_or_return})
    write()
    figures = drill.figures()
    print(json.dumps(figures, ensure_ascii=False) if options.json else summary(figures))
    return code


def _make_fleet(options: Options, report: Report, reactor: Any) -> Fleet:
    # Autobahn and Twisted are slow to load, and --help does not need them
    from tfserver.simulator.client import Dialler
    from tfserver.simulator.fleet import Fleet

    chance = random.Random(options.seed)
    now = reactor.seconds()
    terminals = make_terminals(_plan(options), now, local_offset(now), chance)
    try:
        dial = Dialler(reactor, options.url, _authority(options.ca))
    except ValueError as error:
        raise UsageError(str(error)) from error
    return Fleet(terminals, dial, reactor, chance, report)


def _make_drill(options: Options, fleet: Fleet, reactor: Any) -> Drill:
    from tfserver.simulator.drill import Drill, Schedule

    schedule = Schedule(options.rate, options.enrol_rate, options.seconds, options.wait_ack, options.timeout)
    return Drill(fleet, schedule, reactor, _say, _progress(options))


def _writer(options: Options, fleet: Fleet) -> Callable[[], None]:
    """Writes the file of ``--holds``; nothing without one. UsageError when it can't be written."""
    if options.holds is None:
        return lambda: None
    from tfserver.simulator.holds import HoldsFile

    file = HoldsFile(options.holds, [member.terminal for member in fleet.members])
    try:
        file.write()
    except OSError as error:
        raise UsageError(f"--holds: {error}") from error
    return file.write


def _authority(path: str | None) -> bytes | None:
    """The certificate of who vouches for the server; None without one."""
    try:
        return None if path is None else Path(path).read_bytes()
    except OSError as error:
        raise UsageError(f"--ca: {error}") from error


def _plan(options: Options) -> Plan:
    timers = Timers(
        reg=options.reg_repeat,
        refused=options.retry,
        answer=options.answer_timeout,
        again=options.resend,
        heartbeat=options.heartbeat,
    )
    return Plan(
        terminals=options.terminals,
        dialect=options.dialect,
        users=options.users,
        history=options.history,
        backlog=options.backlog,
        batch=options.batch,
        sn_prefix=options.sn_prefix,
        timers=timers,
        moods=options.mood or (),
        credentials=options.credentials or (),
        sizes=options.capacity or {},
        fpalgo=options.fpalgo,
    )


def _drive(drill: Drill, reactor: Any, wishes: dict[int, Callable[[], None]]) -> int:
    """Run the reactor until the drill is over; a mistake of our own is raised again. ``wishes`` is what other
    signals ask for."""
    from twisted.python.failure import Failure

    from tfserver.simulator.drill import UNACKED

    _log_warnings()
    ended: list[Any] = []

    def started() -> None:
        """Drill until the end."""
        drill.start().addBoth(ended.append).addBoth(lambda _: reactor.stop())

    reactor.callWhenRunning(started)
    for number, wish in {**wishes, signal.SIGINT: drill.interrupt, signal.SIGTERM: drill.interrupt}.items():
        _obey_signal(number, partial(reactor.callFromThread, wish))
    reactor.run(installSignalHandlers=False)
    if not ended:
        return UNACKED
    if isinstance(ended[0], Failure):
        ended[0].raiseException()
    return int(ended[0])


def _obey_signal(number: int, act: Callable[[], None]) -> None:
    signal.signal(number, lambda *_: act())


def _check(options: Options) -> None:
    """UsageError for options that make no sense together."""
    if not re.fullmatch(r"[A-Za-z0-9._-]{0,24}", options.sn_prefix):
        raise UsageError("--sn-prefix: at most 24 letters, digits, '.', '_' or '-' expected")
    if not options.users and (options.backlog or options.history or options.rate):
        raise UsageError("without --users nobody can punch: --rate 0, --backlog 0 and --history 0 expected")


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


def _report(options: Options, stack: ExitStack) -> Report:
    acked = _opened("--ack-file", options.ack_file, stack)
    obeyed = _opened("--obeyed-file", options.obeyed_file, stack)
    return Report(None if acked is None else AckFile(acked), None if obeyed is None else ObeyedFile(obeyed))


def _opened(option: str, path: str | None, stack: ExitStack) -> TextIO | None:
    """The file of an option, to append to; None without one."""
    if path is None:
        return None
    try:
        return stack.enter_context(open(path, "a", encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{option}: {error}") from error


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _progress(options: Options) -> Callable[[dict[str, Any]], None]:
    if not options.progress and not sys.stderr.isatty():
        return lambda figures: None
    return lambda figures: _say(progress_line(figures))


def _log_warnings() -> None:
    """Mistakes of our own are shown; what Twisted and Autobahn only remark is not."""
    from twisted.logger import (
        FilteringLogObserver,
        LogLevel,
        LogLevelFilterPredicate,
        globalLogBeginner,
        textFileLogObserver,
    )

    severe = LogLevelFilterPredicate(defaultLogLevel=LogLevel.error)
    observer = FilteringLogObserver(textFileLogObserver(sys.stderr), [severe])
    globalLogBeginner.beginLoggingTo([observer], redirectStandardIO=False)
