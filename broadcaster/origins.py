"""Which web pages may talk to the broadcaster: a browser tells their origin, and other clients send none. Pure.

A page may also point a name of its own at this machine's loopback and then be of the same host as what it asks (DNS
rebinding). So a listener on loopback answers only to names of loopback, and to those of the settings.
"""

import ipaddress
import re
from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import urlsplit

_NAME = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")


@dataclass(frozen=True, slots=True)
class Doorkeeper:
    """Who may ask one listener. `local`: it listens on loopback. `*` in a setting allows all."""

    origins: Collection[str] = ()
    hosts: Collection[str] = ()
    local: bool = False

    def problem(self, origin: str | None, host: str | None) -> str | None:
        """Why a request is refused (403), or None.

        Args:
            origin: the `Origin` header, such as `https://metrics.example`.
            host: the `Host` header.
        """
        if not self._host_allowed(host):
            return f"Host: {host} is not a name of this broadcaster: allowed_hosts can add it"
        if not self._origin_allowed(origin, host):
            return "Origin: pages from there may not connect"
        return None

    def _host_allowed(self, host: str | None) -> bool:
        if host is None or "*" in self.hosts or not (self.local or self.hosts):
            return True
        name = _hostname(f"//{host}")
        return name is not None and (is_loopback(name) or name in self.hosts)

    def _origin_allowed(self, origin: str | None, host: str | None) -> bool:
        if origin is None or origin in self.origins or "*" in self.origins:
            return True
        page = _hostname(origin)
        return page is not None and (is_loopback(page) or (host is not None and page == _hostname(f"//{host}")))


def is_origin(text: str) -> bool:
    """Whether a browser may send it as `Origin`, or it is `*`."""
    try:
        parts = urlsplit(text)
        plain = f"{parts.scheme}://{parts.netloc}" == text and bool(parts.scheme and parts.hostname)
        return text in ("*", "null") or (plain and text == text.lower() and not parts.username and parts.port != 0)
    except ValueError:
        return False


def host_names(texts: tuple[str, ...]) -> tuple[str, ...]:
    """The texts, which are to be compared with what a `Host` header names: so without scheme, port or brackets.

    Raises ValueError, which says what was expected.
    """
    for text in texts:
        if text != "*" and not (_NAME.fullmatch(text) or _is_ipv6(text)):
            raise ValueError(f"expected names such as metrics.example, without a port, or *; got {text}")
    return texts


def _is_ipv6(text: str) -> bool:
    try:
        return bool(ipaddress.IPv6Address(text))
    except ValueError:
        return False


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
