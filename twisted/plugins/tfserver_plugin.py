from twisted.application.service import ServiceMaker

tfserver = ServiceMaker(
    "tfserver",
    "tfserver.tap",
    "Server for attendance and access-control terminals that speak WebSocket and JSON",
    "tfserver",
)
