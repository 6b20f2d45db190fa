"""``twistd tfserver``: the options, and the service they make (design §2.1)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from twisted.application.service import IService
from twisted.python import usage

from tfserver import __version__, configfile, jsonlog
from tfserver.config import LogFormat, Settings
from tfserver.errors import ConfigError
from tfserver.service import Server


class Options(usage.Options):
    """Command line of the plugin; what is given here wins over the configuration file."""

    synopsis = "[options]"
    longdesc = (
        "Without options: terminals on port 7788, people on 127.0.0.1:7789, a durable store of its own in "
        "./tfserver-data, and unknown terminals wait for approval."
    )
    optParameters = [
        ["config", "c", None, "Configuration file (YAML)."],
        ["http", None, None, "Where people connect: a Twisted server endpoint."],
        ["redis", None, None, "URL of Redis or Valkey; without it a store of our own in the data folder."],
        ["data-dir", None, None, "Folder of the embedded store, the first token and the master key."],
        ["admission", None, None, "Unknown terminals: approve, open or allowlist."],
        ["instance", None, None, "Name of this process."],
    ]

    def __init__(self) -> None:
        super().__init__()
        self.endpoints: list[str] = []

    def opt_terminals(self, endpoint: str) -> None:
        """Where terminals connect: a Twisted server endpoint; may be given more than once."""
        self.endpoints.append(endpoint)

    def opt_version(self) -> None:
        """Print the version and exit."""
        print(f"tfserver {__version__}")  # noqa: T201
        raise SystemExit(0)

    def settings(self) -> Settings:
        """The checked settings; ConfigError says which file, which path and what was expected."""
        names = {
            "http": "http.endpoint",
            "redis": "store.url",
            "data-dir": "data_dir",
            "admission": "admission.policy",
            "instance": "instance",
        }
        overrides: dict[str, Any] = {
            name: self[option] for option, name in names.items() if self[option] is not None
        }
        if self.endpoints:
            overrides["terminals.endpoints"] = self.endpoints
        return configfile.load(self["config"], overrides)

    def postOptions(self) -> None:
        """Check the configuration while there is still a terminal to say what is wrong on."""
        try:
            self["settings"] = self.settings()
        except ConfigError as wrong:
            raise usage.UsageError(str(wrong)) from wrong


class JsonServer(Server):
    """A server whose process logs JSON."""

    def __init__(self, reactor: Any, options: Options) -> None:
        super().__init__(reactor, options["settings"])
        self._twistd: Mapping[str, Any] = options.parent or {}

    def setServiceParent(self, parent: Any) -> None:
        """Twistd has made its application of us, and is about to begin to log."""
        jsonlog.use(parent, self._twistd)
        super().setServiceParent(parent)


def makeService(options: Options) -> IService:
    """The server as a Twisted service."""
    from twisted.internet import reactor

    if options["settings"].log.format is LogFormat.JSON:
        return JsonServer(reactor, options)
    return Server(reactor, options["settings"])
