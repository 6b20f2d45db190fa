"""Pictures of pages, to be looked at: ``python -m tests.dashboard.look --out DIR [--terminals 3] [PATH…]``.

Starts a server of its own with so many terminals, unless ``--url`` and ``--token`` name one that runs. Of
each path it takes pictures on a phone and a desktop, light and dark, in English and Arabic, tells what the
checks complain of, and how long the page took.
"""

from __future__ import annotations

import argparse
import re
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from tests.dashboard.browser import VIEWS, View, visit, what_is_missing
from tests.dashboard.checks import complaints
from tests.dashboard.stage import Stage

PUNCHES: Final = 3000
PEOPLE: Final = 60
LIVE_RATE: Final = 0.5
QUIET_MS: Final = 300.0
"""So long a page has for what it loads after it was shown."""


def file_name(path: str, view: View) -> str:
    """``/terminals/A1?x=1`` on a phone: ``terminals-A1-x-1.phone-light-en.png``."""
    words = re.sub(r"[^\w.]+", "-", path).strip("-") or "start"
    return f"{words}.{view.name}.png"


def look(url: str, token: str, paths: list[str], views: list[View], out: Path, checked: bool) -> int:
    """Take the pictures; how many complaints there were."""
    out.mkdir(parents=True, exist_ok=True)
    wrong = 0
    for view in views:
        seen = visit(url, view, token)
        for path in paths:
            seen.goto(path)
            seen.page.wait_for_timeout(QUIET_MS)
            took = seen.page.evaluate("performance.getEntriesByType('navigation')[0].duration")
            seen.page.screenshot(path=out / file_name(path, view), full_page=True)
            told = seen.wrong + (complaints(seen) if checked else [])
            seen.wrong.clear()
            wrong += len(told)
            sys.stdout.write(
                f"{path} {view.name} {took:.0f} ms\n" + "".join(f"    {line}\n" for line in told)
            )
            sys.stdout.flush()
        seen.close()
    return wrong


def main(arguments: list[str]) -> int:
    """Do what the command line says; 1 when there were complaints."""
    parser = argparse.ArgumentParser(prog="python -m tests.dashboard.look", description=__doc__)
    parser.add_argument("paths", nargs="*", default=["/"], help="paths of pages; {sn} is a live terminal")
    parser.add_argument("--out", type=Path, required=True, help="folder for the pictures")
    parser.add_argument("--terminals", type=int, default=60)
    parser.add_argument("--url", default="", help="a server that runs, such as http://127.0.0.1:7789")
    parser.add_argument("--token", default="", help="whose pages are looked at")
    parser.add_argument("--only", default="", help="only views with these words: phone-dark-ar, phone, ar")
    parser.add_argument("--no-checks", action="store_true", help="pictures alone")
    given = parser.parse_args(arguments)
    if missing := what_is_missing():
        parser.error(missing)
    words = [word for word in given.only.split(",") if word]
    views = [view for view in VIEWS if not words or any(word in view.name for word in words)]
    with ExitStack() as over:
        url, token, paths = given.url, given.token, given.paths
        if not url:
            stage = Stage(given.terminals, PEOPLE, PUNCHES, LIVE_RATE)
            over.callback(stage.stop)
            stage.start()
            sn = (stage.live or [""])[0]
            url, token, paths = stage.url, stage.token, [path.replace("{sn}", sn) for path in paths]
        return 1 if look(url, token, paths, views, given.out, not given.no_checks) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
