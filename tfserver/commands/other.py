"""The doubtful words of the V3 generation, a row each (protocol §4.5-§4.8).

Their names are sure and their fields are not, so the answer is fixed and nothing of them is kept.
"""

from __future__ import annotations

from typing import Final

from tfserver.wire.message import Response
from tfserver.wire.table import Row, table

ROWS: Final = (
    Row("sendpin", Response(fields={"access": 0, "message": "no"})),
    Row("sendgps", Response()),
    Row("otacheck", Response(False)),
    Row("otaget", Response(False)),
    Row("talkcall", Response(False)),
    Row("vicheckonline", Response(fields={"count": 0, "online": []})),
    Row("offer", Response(False)),
    Row("icecandidate", Response(False)),
    Row("callcancel", Response(False)),
)

for _row in ROWS:
    table.row(_row)
