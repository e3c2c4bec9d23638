"""How many connections each address has, on both ports together. Pure."""

from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network

SPARE = 16  # connections beyond the limit that are told so; others are closed without a word
NEIGHBOURS_BITS = 64  # of an IPv6 address: whoever has one usually has all that begin like it


def _parsed(host: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:  # no address, as in tests without sockets
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _shared(address: IPv4Address | IPv6Address) -> str:
    return str(address) if isinstance(address, IPv4Address) else str(IPv6Network((address, NEIGHBOURS_BITS), False))


def neighbours(host: str) -> str:
    """What is counted as one with this host: itself, or an IPv6 address's neighbours; any other text as it is."""
    address = _parsed(host)
    return host if address is None else _shared(address)


class Addresses:
    """`most` connections of one address; 0: no bound. Those of `trusted` networks are not counted."""

    def __init__(self, most: int, trusted: Sequence[str] = ()) -> None:
        self.most = most
        self._trusted = tuple(ip_network(network, strict=False) for network in trusted)
        self._counts: dict[str, int] = {}
        self.key = lru_cache(4096)(self._key)

    def __len__(self) -> int:
        return len(self._counts)

    @property
    def fullest(self) -> int:
        """Connections of the address that has most."""
        return max(self._counts.values(), default=0)

    def _key(self, host: str) -> str | None:
        """What is counted for this host. None: nothing is."""
        address = _parsed(host)
        if address is None or any(address in network for network in self._trusted):
            return None
        return _shared(address)

    def enter(self, host: str) -> bool:
        """Counts one more. False: it is so many too many that it is not counted and shall not even be answered."""
        key = self.key(host)
        if key is None or not self.most:
            return True
        count = self._counts.get(key, 0)
        if count >= self.most + SPARE:
            return False
        self._counts[key] = count + 1
        return True

    def leave(self, host: str) -> None:
        """One less, of those that `enter` counted."""
        key = self.key(host)
        if key is None or not self.most:
            return
        if self._counts[key] == 1:
            del self._counts[key]
        else:
            self._counts[key] -= 1

    def problem(self, host: str) -> str | None:
        """What to tell somebody who was counted, but is over the limit."""
        key = self.key(host)
        if key is None or not self.most or self._counts.get(key, 0) <= self.most:
            return None
        return f"too many connections: at most {self.most} from {key}"
