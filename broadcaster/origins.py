"""Which web pages may talk to the broadcaster: a browser tells their origin, and other clients send none. Pure."""

import ipaddress
from collections.abc import Collection
from urllib.parse import urlsplit


def origin_allowed(origin: str | None, host: str | None, allowed: Collection[str]) -> bool:
    """True for no origin, for pages on loopback or on the host that was asked, and for what the settings name.

    Args:
        origin: the `Origin` header, such as `https://metrics.example`.
        host: the `Host` header.
        allowed: origins from the settings; `*` allows all.
    """
    if origin is None or origin in allowed or "*" in allowed:
        return True
    page = _hostname(origin)
    return page is not None and (is_loopback(page) or (host is not None and page == _hostname(f"//{host}")))


def _hostname(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None


def is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
