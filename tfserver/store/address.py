"""Where the store is, and who we are there: its URL, and what is not said in one (design §2.1)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from urllib.parse import SplitResult, unquote, urlsplit

from tfserver.config import Store as StoreSettings
from tfserver.errors import ConfigError

CONNECT_SECONDS = 3.0
SCHEMES = ("redis", "rediss", "unix", "sentinel", "sentinels")


@dataclass(frozen=True, slots=True)
class Address:
    """A parsed URL; ``str`` gives it back without the password. Sentinels have a user and a password of their
    own; ``ca_file`` has the certificates that all of them are checked by."""

    scheme: str
    hosts: tuple[tuple[str, int], ...] = ()
    path: str = ""
    service: str = ""
    database: int = 0
    username: str = ""
    password: str = field(default="", repr=False)
    sentinel_user: str = ""
    sentinel_password: str = field(default="", repr=False)
    ca_file: str = ""

    @property
    def tls(self) -> bool:
        """Whether the connection is encrypted."""
        return self.scheme in ("rediss", "sentinels")

    @property
    def greeting(self) -> tuple[str, ...]:
        """What a connection says first to the store; empty where no password is asked for."""
        return _greeting(self.username, self.password)

    @property
    def sentinel_greeting(self) -> tuple[str, ...]:
        """The same for a sentinel."""
        return _greeting(self.sentinel_user, self.sentinel_password)

    def __str__(self) -> str:
        who = f"{self.username}@" if self.username else ""
        where = ",".join(f"{_bracketed(host)}:{port}" for host, port in self.hosts) or self.path
        what = self.service or (str(self.database) if self.database else "")
        return f"{self.scheme}://{who}{where}" + (f"/{what}" if what and not self.path else "")


def _greeting(username: str, password: str) -> tuple[str, ...]:
    return ("AUTH", *([username] if username else []), password) if password else ()


def reached(found: Address, settings: StoreSettings, sentinel_password: str) -> Address:
    """An address with what settings and secrets say of the way there."""
    return replace(
        found,
        sentinel_user=settings.sentinel_user,
        sentinel_password=sentinel_password,
        ca_file=settings.ca_file,
    )


def parse(url: str, password: str = "") -> Address:
    """Read a store URL; ``password`` wins over one in the URL. Raises ConfigError."""
    parts = urlsplit(url)
    if parts.scheme not in SCHEMES:
        # Never the URL itself: it may hold a password.
        raise ConfigError(
            f"store.url: expected one of {', '.join(f'{s}://' for s in SCHEMES)}, got '{parts.scheme}://'"
        )
    _refuse_leftovers(parts)
    who, _, where = parts.netloc.rpartition("@")
    username, _, secret = who.partition(":")
    secret = password or unquote(secret)
    if parts.scheme == "unix":
        if not parts.path or where:
            raise ConfigError("store.url: expected unix:///path/to/socket")
        return Address("unix", path=unquote(parts.path), username=unquote(username), password=secret)
    sentinel = parts.scheme.startswith("sentinel")
    if "," in where and not sentinel:
        raise ConfigError(f"store.url: {parts.scheme}:// expects one host; several are for sentinel://")
    name = parts.path.strip("/")
    if sentinel and not name:
        raise ConfigError("store.url: expected the name of the service, e.g. sentinel://h1:26379/main")
    return Address(
        parts.scheme,
        hosts=tuple(_host(text, 26379 if sentinel else 6379) for text in where.split(",")),
        service=name if sentinel else "",
        database=0 if sentinel else _database(name),
        username=unquote(username),
        password=secret,
    )


def _refuse_leftovers(parts: SplitResult) -> None:
    """What stands behind a raw ``/``, ``?`` or ``#`` may be half a password, so it is not repeated."""
    cut = parts.scheme != "unix" and "@" in parts.path
    if parts.query or parts.fragment or cut:
        raise ConfigError(
            "store.url: expected neither ? nor #; in a password write / ? # @ as %2F %3F %23 %40"
        )


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _host(text: str, default: int) -> tuple[str, int]:
    try:
        parts = urlsplit(f"//{text}")
        host, port = parts.hostname, parts.port
    except ValueError as wrong:
        raise ConfigError(f"store.url: expected host:port, got '{text}'") from wrong
    if not host:
        raise ConfigError(f"store.url: expected host:port, got '{text}'")
    return host, port or default


def _database(text: str) -> int:
    if text and not (text.isascii() and text.isdigit()):
        raise ConfigError(f"store.url: expected the number of a database after the host, got '{text}'")
    return int(text or 0)
