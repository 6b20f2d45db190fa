"""Three processes behind HAProxy, and behind nginx: see ``behind``."""

from __future__ import annotations

from tests.integration import behind
from tests.real.balancer import Kind


class HaproxyTests(behind.Behind):
    """``etc/haproxy.cfg``."""

    kind: Kind = "haproxy"


class NginxTests(behind.Behind):
    """``etc/nginx.conf``."""

    kind: Kind = "nginx"
