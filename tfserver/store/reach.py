"""The ways to a server: TCP, TLS that is checked by certificates of our own or the machine's, and sockets."""

from __future__ import annotations

import functools
import re
import ssl
from pathlib import Path
from typing import Any, Final

from OpenSSL import crypto
from twisted.internet.endpoints import HostnameEndpoint, UNIXClientEndpoint, wrapClientTLS
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.internet.ssl import Certificate, optionsForClientTLS, trustRootFromCertificates

from tfserver.errors import StartError
from tfserver.store.address import CONNECT_SECONDS, Address

_BLOCK: Final = re.compile(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


def plain_endpoint(reactor: Any, address: Address) -> IStreamClientEndpoint:
    """The endpoint that leads to a server without sentinels."""
    if address.scheme == "unix":
        return UNIXClientEndpoint(reactor, address.path, timeout=CONNECT_SECONDS)
    return tcp_endpoint(reactor, *address.hosts[0], address)


def tcp_endpoint(reactor: Any, host: str, port: int, address: Address) -> IStreamClientEndpoint:
    """The endpoint that leads to a host, encrypted if the address says so; StartError for wrong certificates.

    The certificate has to name the host as it is written here: a name, or an IP address.
    """
    plain = HostnameEndpoint(reactor, host, port, timeout=CONNECT_SECONDS)
    if not address.tls:
        return plain
    return wrapClientTLS(optionsForClientTLS(host, trustRoot=_trusted(address.ca_file)), plain)


def tls_context(address: Address) -> ssl.SSLContext:
    """The same for connections that wait for their answers."""
    if address.ca_file:
        check_certificates(address.ca_file)
    return ssl.create_default_context(cafile=address.ca_file or None)


def check_certificates(ca_file: str) -> None:
    """StartError for a file in which there are no certificates."""
    _certificates(ca_file)


@functools.lru_cache(4)
def _trusted(ca_file: str) -> Any:
    return trustRootFromCertificates(_certificates(ca_file)) if ca_file else None


def _certificates(ca_file: str) -> list[Certificate]:
    try:
        found = [Certificate.loadPEM(block) for block in _BLOCK.findall(Path(ca_file).read_bytes())]
    except OSError as wrong:
        raise StartError(f"store.ca_file: can't read {ca_file}: {wrong}") from wrong
    except (crypto.Error, ValueError) as wrong:
        raise StartError(f"store.ca_file: a certificate in {ca_file} is broken") from wrong
    if not found:
        raise StartError(f"store.ca_file: there is no certificate in {ca_file}, expected PEM")
    return found
