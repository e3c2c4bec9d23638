"""What producers of Streamgauge send in the benchmarks beside single samples: whole messages made before. Pure."""

from collections.abc import Iterable

import orjson

from benchmarks.load.frames import client_frame

METRIC = "load.test"
TIME = 1_700_000_000.123457
LAST = client_frame(orjson.dumps({"type": "publish", "id": 1, "samples": []}))
ACK = b'"type":"ack"'


def frame(entries: Iterable[object]) -> bytes:
    return client_frame(orjson.dumps({"type": "publish", "samples": list(entries)}))


def one_sample(number: int, series: int = 1) -> dict[str, object]:
    """An entry with a time and a value, of one of so many series."""
    entry: dict[str, object] = {"metric": METRIC, "time": TIME + number, "value": number + 0.5}
    return entry if series == 1 else {**entry, "tags": {"n": str(number % series)}}


def singles(count: int) -> tuple[bytes, ...]:
    """Messages of one sample each."""
    return tuple(frame([one_sample(number)]) for number in range(count))


def entries(count: int, messages: int) -> tuple[bytes, ...]:
    """Messages of so many single-sample entries, each of another series."""
    one = frame(one_sample(number, count) for number in range(count))
    return (one,) * messages


def columns(length: int, messages: int) -> tuple[bytes, ...]:
    """Messages of one entry with so many samples."""
    times = [TIME + number for number in range(length)]
    return (frame([{"metric": METRIC, "time": times, "value": [time / 7 for time in times]}]),) * messages


def over_series(samples: int, series: int) -> tuple[bytes, ...]:
    """Messages of so many samples which together touch every series once."""
    return tuple(
        frame(one_sample(number, series) for number in range(first, first + samples))
        for first in range(0, max(series, samples), samples)
    )
