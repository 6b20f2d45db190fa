"""Replies to the commands about the device itself (protocol §5.3)."""

from __future__ import annotations

from typing import Any

from tfserver.simulator.answers import Answer, Asked, Bare, Done, Gone, Refused, ReplyFunction
from tfserver.simulator.times import second_of, text_of

CLASSIC_PARAMETERS: dict[str, Any] = {
    "deviceid": 1,
    "language": 0,
    "volume": 6,
    "screensaver": 30,
    "verifymode": 0,
    "sleep": 0,
    "userfpnum": 3,
    "loghint": 1000,
    "reverifytime": 0,
}
AIFACE_PARAMETERS: dict[str, Any] = {
    **CLASSIC_PARAMETERS,
    "dateformat": 0,
    "showavatar": 1,
    "strangerphoto": 0,
    "logphoto": 1,
    "multifaces": 0,
    "facetreshold": 80,
    "livedetect": 1,
    "serverip": 3232235796,
    "serverport": 7788,
    "servertimeout": 3,
    "serveradduser": 1,
    "usebs": 1,
    "usedomainname": 0,
    "domainname": "",
    "serververify": 0,
    "dooropentime": 5,
}


def settime(asked: Asked) -> Answer:
    """Set the clock from ``cloudtime``, in exactly the documented form."""
    second = second_of(asked.command.get("cloudtime"))
    if second is None:
        return Refused(1, "parameter error")
    asked.memory.set_clock(second, asked.now)
    return Done()


def gettime(asked: Asked) -> Answer:
    """The clock; this reply has no ``result`` (protocol §1.3)."""
    return Bare({"time": text_of(asked.memory.second(asked.now))})


def getdevinfo(asked: Asked) -> Answer:
    """All parameters of this model, flat."""
    return Done(_parameters(asked))


def setdevinfo(asked: Asked) -> Answer:
    """Change the parameters that this model has; others are ignored."""
    for key in _parameters(asked):
        if key in asked.command:
            asked.memory.settings[key] = asked.command[key]
    return Done()


def reboot(asked: Asked) -> Answer:
    """The connection drops, as a rule without a reply."""
    return Gone("reboot", Done() if asked.dialect.answers_reboot else None)


def initsys(asked: Asked) -> Answer:
    """Delete people and logs, keep the settings."""
    asked.memory.clean_users()
    asked.memory.clean_logs()
    return Done()


def disabledevice(asked: Asked) -> Answer:
    """Nobody can punch until ``enabledevice``."""
    asked.memory.disabled = True
    return Done()


def enabledevice(asked: Asked) -> Answer:
    """People can punch again."""
    asked.memory.disabled = False
    return Done()


def _parameters(asked: Asked) -> dict[str, Any]:
    defaults = AIFACE_PARAMETERS if asked.dialect.speaks else CLASSIC_PARAMETERS
    return {key: asked.memory.settings.get(key, default) for key, default in defaults.items()}


DEVICE_REPLIES: dict[str, ReplyFunction] = {
    "settime": settime,
    "gettime": gettime,
    "getdevinfo": getdevinfo,
    "setdevinfo": setdevinfo,
    "reboot": reboot,
    "initsys": initsys,
    "disabledevice": disabledevice,
    "enabledevice": enabledevice,
}
