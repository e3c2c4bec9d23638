"""Somebody who means no good, as a process: floods of one kind, again and again until told to stop.

An attacker has a machine of its own. Here it gets the time that nobody else wants of the processors (`SCHED_IDLE`), so
that what the others notice is the flood, and not that somebody computes beside them.
"""

import itertools
import os
import select
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing.synchronize import Event as Flag

from benchmarks.load.board import CONTEXT
from benchmarks.load.dialect import handshake
from benchmarks.load.frames import client_frame

BLOCK = 500  # messages sent in one go
LOOK_S = 0.1
HELD = 2_000  # half-open handshakes of one process at once
PAUSE_S = 0.05  # after being thrown out, as an impatient client would
PATH, PROTOCOL = "/v1/stream", "streamgauge.v1"


def samples(numbers: Iterator[int]) -> bytes:
    """Messages of one sample each, without id."""
    return client_frame(b'{"type":"publish","samples":[{"metric":"flood","value":1}]}') * BLOCK


def columns(numbers: Iterator[int]) -> bytes:
    column = ",".join("1" for _ in range(5_000))
    sent = f'{{"type":"publish","samples":[{{"metric":"flood","time":[{column}],"value":[{column}]}}]}}'
    return client_frame(sent.encode()) * 4


def junk(numbers: Iterator[int]) -> bytes:
    return client_frame(b'{"type":"publish","samples":[{"metric":"!","value":"x"}') * BLOCK


def tags(numbers: Iterator[int]) -> bytes:
    """Each message is of a series that nobody has seen."""
    text = b'{"type":"publish","samples":[{"metric":"flood","tags":{"n":"%d"},"value":1}]}'
    return b"".join(client_frame(text % number) for number in itertools.islice(numbers, BLOCK))


def subscriptions(numbers: Iterator[int]) -> bytes:
    text = b'{"type":"subscribe","id":%d,"select":[{"metric":"*"}],"history":3600}'
    return b"".join(client_frame(text % number) for number in itertools.islice(numbers, 50))


BLOCKS: dict[str, Callable[[Iterator[int]], bytes]] = {
    "samples": samples,
    "columns": columns,
    "junk": junk,
    "tags": tags,
    "subscriptions": subscriptions,
}
NOBODY = "nobody"  # makes floods and sends none: what a busy neighbour on the same machine costs without a flood
KINDS = (NOBODY, *BLOCKS, "handshakes", "half handshakes")


@contextmanager
def attacking(kind: str, port: int, processes: int = 1) -> Iterator[None]:
    """Floods of that kind while the block lasts."""
    stop = CONTEXT.Event()
    attackers = [CONTEXT.Process(target=run_attacker, args=(kind, port, stop), daemon=True) for _ in range(processes)]
    for attacker in attackers:
        attacker.start()
    try:
        yield
    finally:
        stop.set()
        for attacker in attackers:
            attacker.join(5)
            if attacker.is_alive():
                attacker.kill()
                attacker.join()


def run_attacker(kind: str, port: int, stop: Flag) -> None:
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    numbers = itertools.count(1)
    while not stop.is_set():
        with suppress(OSError):  # thrown out, or not let in: comes again
            if kind == NOBODY:
                tags(numbers)
                continue
            if kind == "half handshakes":
                _hold(port, stop)
            elif kind == "handshakes":
                _greet(port, b"").close()
                continue
            else:
                _flood(port, stop, BLOCKS[kind], numbers)
        time.sleep(PAUSE_S)


def _greet(port: int, more: bytes) -> socket.socket:
    sock = socket.create_connection(("127.0.0.1", port), timeout=5)
    sock.sendall(handshake(PATH, PROTOCOL) + more)
    sock.recv(4_096)
    return sock


def _flood(port: int, stop: Flag, block: Callable[[Iterator[int]], bytes], numbers: Iterator[int]) -> None:
    with _greet(port, b"") as sock:
        sock.setblocking(False)
        waiting = memoryview(b"")
        while not stop.is_set():
            readable, writable, _ = select.select([sock], [sock], [], LOOK_S)
            if readable and not sock.recv(1 << 20):
                return
            if writable:
                waiting = waiting or memoryview(block(numbers))
                waiting = waiting[sock.send(waiting) :]


def _hold(port: int, stop: Flag) -> None:
    """Opens handshakes and never ends them."""
    held: list[socket.socket] = []
    try:
        while not stop.is_set() and len(held) < HELD:
            held.append(socket.create_connection(("127.0.0.1", port), timeout=5))
            held[-1].sendall(b"GET /v1/stream HTTP/1.1\r\n")
        stop.wait(1.0)
    finally:
        for sock in held:
            sock.close()
