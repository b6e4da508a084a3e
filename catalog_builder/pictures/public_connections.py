"""A host's name enters; a connection to it leaves, unless the host lies in a private network.

The name is resolved here, each of its IP addresses is judged, and the connection goes to an address that was judged. So
neither a name, nor a decimal or hexadecimal number, nor a redirect leads into a private network. No proxy is used,
because the address behind a proxy cannot be judged.
"""

import contextlib
import ipaddress
import socket
import threading
import time
from collections.abc import Iterator

from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError
from urllib3.util.connection import create_connection

from export.common.errors import InputError

NAT64 = ipaddress.ip_network("64:ff9b::/96")             # RFC 6052: an IPv4 address in the last 32 bits
SITE_LOCAL = ipaddress.ip_network("fec0::/10")           # RFC 3879
_at_work = threading.local()


class Attempt:
    """One request. It ends at its deadline, whatever the server does, when another thread calls `end`."""

    def __init__(self, seconds: float, allow_private: bool):
        self.allow_private = allow_private
        self.deadline = time.monotonic() + seconds
        self.ended = False
        self._control: socket.socket | None = None
        self._lock = threading.Lock()

    def hold(self, connected: socket.socket) -> None:
        """Keeps a second handle of the connection; the first changes its owner when TLS begins."""
        with self._lock:
            self._close()
            self._control = socket.fromfd(connected.fileno(), connected.family, connected.type)
        if self.ended:
            self.end()

    def end(self) -> None:
        """Ends the connection: whoever reads from it gets an error or the end of the data."""
        with self._lock:
            self.ended = True
            if self._control:
                with contextlib.suppress(OSError):       # ended by the server already
                    self._control.shutdown(socket.SHUT_RDWR)

    def release(self) -> None:
        """Gives the second handle back."""
        with self._lock:
            self._close()

    def _close(self) -> None:
        if self._control:
            self._control.close()
        self._control = None


@contextlib.contextmanager
def working(attempt: Attempt) -> Iterator[None]:
    """Connections of this thread belong to the attempt."""
    _at_work.attempt = attempt
    try:
        yield
    finally:
        attempt.release()
        del _at_work.attempt


def is_public(address: str) -> bool:
    """Whether an IP address belongs to the public internet, addresses within addresses included."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (
            ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF) if ip in NAT64 else None)
        if inner:
            return is_public(str(inner))
    odd = ip.is_private or ip.is_multicast or ip.is_reserved or ip.is_loopback or ip.is_link_local or ip.is_unspecified
    return ip.is_global and not odd and not (ip.version == 6 and ip in SITE_LOCAL)


class _Connecting(HTTPConnection):
    """Connects to judged addresses alone."""

    def _new_conn(self) -> socket.socket:
        addresses = self._addresses()
        attempt: Attempt = _at_work.attempt
        allowed = [address for address in addresses if attempt.allow_private or is_public(address)]
        if not allowed:
            raise InputError("the address lies in a private network", found=f"{self.host} is {addresses[0]}",
                             expected="a public host", remedy="--allow-private, if the host is your own")
        error: OSError | None = None
        for address in allowed:
            try:
                connected = create_connection((address, self.port), self.timeout, self.source_address,
                                              self.socket_options)
            except OSError as raised:
                error = raised
                continue
            attempt.hold(connected)
            return connected
        if isinstance(error, TimeoutError):
            raise ConnectTimeoutError(self, f"no connection within {self.timeout} s") from error
        raise NewConnectionError(self, str(error)) from error

    def _addresses(self) -> list[str]:
        """The host's IP addresses, each once."""
        try:
            found = socket.getaddrinfo(self._dns_host.strip("[]"), self.port, type=socket.SOCK_STREAM)
        except (socket.gaierror, UnicodeError) as error:
            raise NameResolutionError(self.host, self, error) from error     # type: ignore[arg-type]
        return list(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found))

    def request(self, *args, **named) -> None:
        if self.sock is not None:                        # kept from an earlier request
            _at_work.attempt.hold(self.sock)
        super().request(*args, **named)


class _ConnectingSecurely(_Connecting, HTTPSConnection):
    """The same with TLS; certificates are verified."""


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connecting


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _ConnectingSecurely


def pools(hosts: int, per_host: int) -> PoolManager:
    """Connections that are kept for further requests. Each request needs `working`."""
    manager = PoolManager(num_pools=hosts, maxsize=per_host)
    manager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}
    return manager
