"""Server for attendance and access-control terminals that speak WebSocket and JSON."""

__version__ = "0.1.0"
