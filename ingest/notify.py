"""What a service manager is told: systemd's protocol of sd_notify(3), some lines to a datagram socket."""

import logging
import os
import socket

log = logging.getLogger("streamgauge.service")


def notify(*lines: str) -> None:
    """Such as READY=1. Without a service manager that listens, nothing happens; it never waits."""
    path = os.environ.get("NOTIFY_SOCKET", "")
    if not path.startswith(("/", "@")):
        return
    address = "\0" + path[1:] if path.startswith("@") else path
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
            sock.setblocking(False)
            sock.sendto("\n".join(lines).encode(), address)
    except OSError as error:
        log.warning("the service manager is not told: %s", error, extra={"lines": lines})


def watchdog_s() -> float | None:
    """Within how many seconds the service manager wants to hear WATCHDOG=1 again. None: it does not."""
    given, pid = os.environ.get("WATCHDOG_USEC", ""), os.environ.get("WATCHDOG_PID", "")
    if not given.isdecimal() or (pid and pid != str(os.getpid())):
        return None
    return int(given) / 1e6 or None
