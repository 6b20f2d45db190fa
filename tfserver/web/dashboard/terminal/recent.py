"""The newest punches of one terminal, found from the time of its last: no question looks far."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import msgspec

from tfserver.errors import Gone
from tfserver.model import Terminal, canonical_sn
from tfserver.store.archive.filter import Filter
from tfserver.store.search import Search, milliseconds
from tfserver.web.call import Call
from tfserver.web.dashboard.happened import LivePunch

SHOWN: Final = 20
SPANS: Final = (timedelta(hours=1), timedelta(days=1), timedelta(days=30))
"""So far back from the last punch; the next one is looked at when there was too little."""
_PAGE: Final = 500
_MOST_PAGES: Final = 4
_PUNCH: Final = msgspec.json.Decoder(LivePunch)


async def newest(call: Call, terminal: Terminal) -> list[LivePunch]:
    """Up to so many punches as fit on the wall, the newest first; StoreError."""
    found: list[str] = []
    if terminal.last_punch is None:
        return []
    last = datetime.fromisoformat(terminal.last_punch)
    for span in SPANS:
        found = await _since(call, terminal.sn, last - span)
        if len(found) >= SHOWN:
            break
    return [_PUNCH.decode(text) for text in reversed(found)]


async def _since(call: Call, sn: str, since: datetime) -> list[str]:
    """The last ones from an instant on, in the order of their arrival."""
    search = Search(call.sources.feed, call.sources.archive)
    wanted = Filter(sn=canonical_sn(sn), since_ms=milliseconds(since), sites=call.who.sites)
    found: list[str] = []
    after = "0"
    try:
        for _ in range(_MOST_PAGES):
            page = await search.page(after, _PAGE, wanted)
            found = [*found, *(text for _, text in page.entries)][-SHOWN:]
            after = page.next
            if page.is_end:
                break
    except Gone:
        # retention came between two pages: the wall fills itself with what comes
        return found
    return found
