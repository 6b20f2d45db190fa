"""Signals that come again while a stop is under way."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

STOPPING: Final = (signal.SIGTERM, signal.SIGINT)


@contextmanager
def told_again(reactor: Any, hurry: Callable[[], None]) -> Iterator[None]:
    """Within it SIGTERM and SIGINT call ``hurry`` in the reactor's thread, where somebody handled them."""
    is_main = threading.current_thread() is threading.main_thread()
    before = {number: signal.getsignal(number) for number in STOPPING} if is_main else {}
    replaced = {number: handler for number, handler in before.items() if callable(handler)}

    def insist(_number: int, _frame: Any) -> None:
        """A signal came."""
        reactor.callFromThread(hurry)

    for number in replaced:
        signal.signal(number, insist)
    try:
        yield
    finally:
        for number, handler in replaced.items():
            signal.signal(number, handler)
