"""Ports for servers whose address is told to others before they listen, and stays when they are started again."""

import secrets
import socket
from pathlib import Path

LOWEST = 20_000
RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")


def free_ports(count: int) -> list[int]:
    """Below those that the system gives away by itself, to connections and to whoever binds port 0: nobody gets one of
    these between the question and the answer, or while a server is down."""
    highest = int(RANGE.read_text().split()[0]) if RANGE.exists() else 32_768
    found: list[int] = []
    while len(found) < count:
        port = LOWEST + secrets.randbelow(max(highest - LOWEST, 1000))
        if port not in found and is_free(port):
            found.append(port)
    return found


def is_free(port: int) -> bool:
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True
