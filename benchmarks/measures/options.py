"""How much to measure, and how it is told."""

import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from benchmarks.load.run import Run, running
from benchmarks.load.sealed import papers
from benchmarks.peers.install import MissingPeer
from benchmarks.peers.peer import Peer, free_port, serving

NUMBERS = 1_000_000_000  # of a paced publisher: it never comes to an end


@dataclass(frozen=True, slots=True)
class Options:
    """`seconds` are measured after `warm_s`; `runs` go through all peers in turn, so that all see the same weather."""

    peers: Sequence[Peer]
    quick: bool
    runs: int
    seconds: float
    warm_s: float
    drain_s: float  # the most to wait for what was published and is not delivered yet


def say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


@contextmanager
def server_and_load(peer: Peer, **settings: object) -> Iterator[Run]:
    """A fresh server. `settings` are Streamgauge's own, of its broadcaster."""
    port = free_port()
    extra = {f"STREAMGAUGE_BROADCASTER_{name}".upper(): str(value) for name, value in settings.items()}
    with serving(peer, port, extra) as pid, running(peer.dialect, port, pid) as run:
        yield run


@contextmanager
def sealed_server_and_load(peer: Peer) -> Iterator[Run]:
    """The same, all over TLS."""
    port = free_port()
    with papers() as files:
        certificate = {"TLS_CERTIFICATE": files.certificate, "TLS_KEY": files.key}
        extra = {f"STREAMGAUGE_BROADCASTER_{name}": value for name, value in certificate.items()}
        with serving(peer, port, extra) as pid, running(peer.dialect, port, pid, files.authority) as run:
            yield run


def installed(peers: Iterable[Peer]) -> list[Peer]:
    """Those that can run here, installed; the others are named."""
    found = []
    for peer in peers:
        try:
            peer.command(1)
        except MissingPeer as problem:
            say(f"{peer.title} is left out: {problem}")
        else:
            found.append(peer)
    return found
