"""Many producers in one process, over plain sockets: python -m benchmarks.faults.flood, see `main`.

Producer p publishes METRIC{producer=p,series=s} for each s below `series`, numbered 0, 1, 2, ...; a message holds what
is due of all of them. SIGTERM ends it: it waits for the last acknowledgements and prints a line of JSON.
"""

import argparse
import json
import re
import select
import signal
import socket
import time
from dataclasses import dataclass, field

import orjson

from benchmarks.drain import HANDSHAKE
from benchmarks.load.frames import client_frame

METRIC = "held.value"
INTERVAL_S = 0.1
ACK_S = 20.0
ACK = re.compile(rb'"accepted":(\d+)')
TAIL = 64  # bytes in which an acknowledgement may have been cut


@dataclass(slots=True)
class Producer:
    name: str
    sock: socket.socket
    due: float
    number: int = 0
    sent: int = 0
    accepted: int = 0
    tail: bytes = b""
    waiting: bytearray = field(default_factory=bytearray)

    def write(self) -> None:
        while self.waiting:
            try:
                del self.waiting[: self.sock.send(self.waiting)]
            except BlockingIOError:
                return

    def read(self) -> None:
        try:
            data = self.tail + self.sock.recv(65_536)
        except BlockingIOError:
            return
        end = 0
        for found in ACK.finditer(data):
            if found.end() == len(data):
                break  # the number may go on
            self.accepted += int(found[1])
            end = found.end()
        self.tail = data[max(end, len(data) - TAIL) :]


def connect(port: int, name: str, due: float) -> Producer:
    sock = socket.create_connection(("127.0.0.1", port), timeout=30)
    sock.sendall(HANDSHAKE)
    heard = b""
    while b'"welcome"' not in heard:
        heard += sock.recv(65_536)
    sock.setblocking(False)
    return Producer(name, sock, due)


def message(producer: Producer, series: int, count: int) -> bytes:
    """The next `count` samples of each series."""
    times = [time.time()] * count
    values = list(range(producer.number, producer.number + count))
    samples = [
        {"metric": METRIC, "tags": {"producer": producer.name, "series": str(one)}, "time": times, "value": values}
        for one in range(series)
    ]
    producer.number += count
    producer.sent += count * series
    return client_frame(orjson.dumps({"type": "publish", "id": producer.number, "samples": samples}))


def run(port: int, producers: int, series: int, rate: float) -> dict[str, float]:
    """`rate`: samples a second, of all together."""
    stopped: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, frame: stopped.append(number))
    per_series = rate * INTERVAL_S / producers / series
    began = time.monotonic()
    every = [connect(port, str(n), 0.0) for n in range(producers)]
    for number, producer in enumerate(every):  # spread, as they would be
        producer.due = time.monotonic() + INTERVAL_S * number / producers
    owed = dict.fromkeys(range(producers), 0.0)
    late_s = 0.0
    while not stopped:
        now = time.monotonic()
        for number, producer in enumerate(every):
            if producer.due > now:
                continue
            late_s = max(late_s, now - producer.due)
            producer.due += INTERVAL_S
            owed[number] += per_series
            count = int(owed[number])
            owed[number] -= count
            if count:
                producer.waiting += message(producer, series, count)
        _exchange(every, max(0.0, min(one.due for one in every) - time.monotonic()))
    seconds = time.monotonic() - began
    _finish(every)
    return {
        "sent": sum(one.sent for one in every),
        "accepted": sum(one.accepted for one in every),
        "seconds": seconds,
        "late_s": late_s,
        **{f"numbers_{one.name}": one.number for one in every},
    }


def _exchange(every: list[Producer], wait_s: float) -> None:
    writing = [one.sock for one in every if one.waiting]
    by_sock = {one.sock: one for one in every}
    readable, writable, _ = select.select(list(by_sock), writing, [], wait_s)
    for sock in readable:
        by_sock[sock].read()
    for sock in writable:
        by_sock[sock].write()


def _finish(every: list[Producer]) -> None:
    end = time.monotonic() + ACK_S
    while any(one.accepted < one.sent for one in every) and time.monotonic() < end:
        _exchange(every, 0.1)


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.faults.flood")
    parser.add_argument("port", type=int)
    parser.add_argument("--producers", type=int, default=50)
    parser.add_argument("--series", type=int, default=20, help="of each (20)")
    parser.add_argument("--rate", type=float, default=200_000.0, help="samples a second, of all together (200,000)")
    given = parser.parse_args()
    print(json.dumps(run(given.port, given.producers, given.series, given.rate)), flush=True)


if __name__ == "__main__":
    main()
