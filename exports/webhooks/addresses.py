"""Where messages may be sent: to public addresses, by HTTPS. Everything else would let a client use the server as its proxy.

A URL is checked when it is saved, as far as it can be without asking the DNS, and again before each connection. Then its name
is resolved once, all addresses are checked, and the connection is made to one of those that were.
"""

import ipaddress
import re
import socket
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address
from typing import NamedTuple
from urllib.parse import urlsplit

from django.conf import settings
from django.utils.translation import gettext as _

from config.core.caching import cached
from config.core.exceptions import Invalid

Address = IPv4Address | IPv6Address

# Names that never lead out of a network: RFC 6761, RFC 6762, RFC 8375, and what ICANN keeps for private use.
_PRIVATE_NAMES = ("localhost", "local", "internal", "home.arpa", "invalid", "test")
# As WHATWG's URL standard tells an IPv4 address from a name, in whatever base its parts are written.
_ENDS_IN_A_NUMBER = re.compile(r"(?:^|\.)(?:\d+|0x[0-9a-f]*)\.?$", re.ASCII | re.IGNORECASE)
_HOST = re.compile(r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)*\.?", re.ASCII)
# What a translator makes of it is in the last 32 bits (RFC 6052). Networks without IPv4 reach all of it so.
_TRANSLATED = ipaddress.IPv6Network("64:ff9b::/96")
# Global by the registers, and yet no site's: the metadata of a cloud provider, and relays of 6to4.
_REFUSED = [ipaddress.ip_network(network) for network in ("168.63.129.16/32", "192.88.99.0/24", "fec0::/10")]


class Target(NamedTuple):
    """Where a URL leads: `host` as it is resolved and named to TLS, `path` with the query."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """The value of the Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"


class Refused(Exception):
    """An address to which nothing is sent. The message is for people."""


_PORTS = {"https": 443, "http": 80}


def check_url(url: str) -> None:
    """Raise Invalid unless messages may be sent to `url`, as far as that can be told without the DNS."""
    try:
        parse(url)
    except Refused as refused:
        raise Invalid(str(refused), "url") from refused


def parse(url: str) -> Target:
    """Return where `url` leads. Raises Refused for what no message is sent to."""
    if not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        raise Refused(_("A URL holds printable ASCII characters only."))
    try:
        parts = urlsplit(url)
        port, host = parts.port, (parts.hostname or "").lower()
    except ValueError as error:
        raise Refused(_("This is not a URL.")) from error
    if parts.scheme not in (("https", "http") if settings.WEBHOOK_ALLOW_HTTP else ("https",)):
        raise Refused(_("The URL must begin with https://."))
    if parts.username is not None or parts.password is not None:
        raise Refused(_("The URL may not hold credentials."))
    if parts.fragment or not host:
        raise Refused(_("The URL needs a host, and no fragment."))
    port = _PORTS[parts.scheme] if port is None else port
    if port not in settings.WEBHOOK_PORTS:
        raise Refused(_("The URL may not name the port %(port)s.") % {"port": port})
    _check_host(host)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(parts.scheme, host, port, path)


def resolve(target: Target) -> list[str]:
    """Return the addresses of the host of `target`, asking the DNS once. Raises Refused if one of them is not public.

    Raises OSError where the name has none.
    """
    found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    addresses = list(dict.fromkeys(str(info[4][0]) for info in found))
    for address in addresses:
        # A scope, as in fe80::1%eth0, only link-local addresses have.
        if not is_allowed(ipaddress.ip_address(address)):
            raise Refused(_("The host has an address that is not public."))
    return addresses


def is_allowed(address: Address) -> bool:
    """Tell whether messages may be sent to `address`: a public one, or one of WEBHOOK_ALLOWED_NETWORKS."""
    if _is_in_allowed_network(address):
        return True
    return all(_is_in_allowed_network(meant) or _is_public(meant) for meant in _meant(address))


def _check_host(host: str) -> None:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        address = None
    if address is not None:
        if not is_allowed(address):
            raise Refused(_("The URL leads to an address that is not public."))
    elif _ENDS_IN_A_NUMBER.search(host):
        raise Refused(_("An IPv4 address is written as four decimal numbers."))
    elif not _HOST.fullmatch(host) or not _is_public_name(host):
        raise Refused(_("The URL leads to a host that is not public."))


def _is_public_name(host: str) -> bool:
    """Tell whether `host` may be a name of the public DNS. Where networks of one's own are allowed their names are, too."""
    if settings.WEBHOOK_ALLOWED_NETWORKS:
        return True
    name = host.rstrip(".")
    return "." in name and not any(name == private or name.endswith(f".{private}") for private in _PRIVATE_NAMES)


def _is_public(address: Address) -> bool:
    refused = address.is_multicast or address.is_reserved or any(address in network for network in _REFUSED)
    return address.is_global and not refused


def _meant(address: Address) -> Iterator[Address]:
    """Yield the addresses that a packet to `address` may end at: also the IPv4 address that an IPv6 address carries."""
    if isinstance(address, IPv4Address):
        yield address
    elif address.ipv4_mapped is not None or address in _TRANSLATED:
        yield IPv4Address(int(address) & 0xFFFFFFFF)
    else:
        yield address
        if address.sixtofour is not None:
            yield address.sixtofour
        if address.teredo is not None:
            yield from address.teredo


def _is_in_allowed_network(address: Address) -> bool:
    return any(address in network for network in _allowed_networks(tuple(settings.WEBHOOK_ALLOWED_NETWORKS)))


@cached
def _allowed_networks(networks: tuple[str, ...]) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
    return tuple(ipaddress.ip_network(network) for network in networks)
