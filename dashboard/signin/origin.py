"""Requests of other sites' pages are refused where something changes, and nobody is sent to them. Pure."""

import re
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from urllib.parse import urlsplit

Network = IPv4Network | IPv6Network
CHANGING = frozenset({"POST", "PUT", "PATCH", "DELETE"})
NEXT_MOST = 4000
NEXT = re.compile(r"/(?![/\\])[^\\\x00-\x20\x7f]*")
NOT_NEXT = ("/signin", "/signout", "/api/")


def is_own(origin: str | None, *, scheme: str, host: str, public_url: str | None) -> bool:
    """Whether the page that asks is the dashboard's own.

    Args:
        origin: the header, which browsers send with every request that may change something.
        host: the `Host` header.
        public_url: where the page is for its viewers, if a proxy in front of it says otherwise.
    """
    expected = origin_of(public_url) if public_url else f"{scheme}://{host}"
    return origin is not None and origin.lower() == expected.lower()


def origin_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def safe_next(text: str | None) -> str:
    """Where to go after signing in: a page of this very server, else its first."""
    if not text or len(text) > NEXT_MOST or not NEXT.fullmatch(text) or text.startswith(NOT_NEXT):
        return "/"
    return text


def networks(texts: tuple[str, ...]) -> tuple[Network, ...]:
    """Raises ValueError."""
    return tuple(ip_network(text, strict=False) for text in texts)


def is_in(host: str, trusted: tuple[Network, ...]) -> bool:
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None) or address
    return any(mapped in network for network in trusted if network.version == mapped.version)


def address_of(peer: str, forwarded: str, trusted: tuple[Network, ...]) -> str:
    """Who really asks: of `X-Forwarded-For` only what trusted proxies wrote is believed, from the right."""
    address = peer
    hops = [hop.strip() for hop in forwarded.split(",") if hop.strip()]
    while hops and is_in(address, trusted):
        address = hops.pop()
    return address[:64]
