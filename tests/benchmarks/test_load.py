"""What is published, what probes see of it, and how much is under way."""

import orjson
import pytest

from benchmarks.load.dialect import FIRST_VALUE, Dialect
from benchmarks.load.probe import Probe
from benchmarks.load.publisher import WINDOW_MAX, WINDOW_MIN, Window
from benchmarks.measures import flows
from benchmarks.peers.peer import Peer
from benchmarks.peers.registry import NATS, PEERS, STREAMGAUGE
from tests.benchmarks.streams import cuts, gap, server_frame


@pytest.mark.parametrize("peer", PEERS, ids=lambda peer: peer.name)
def test_messages_of_a_dialect_are_about_100_bytes_and_always_as_many(peer: Peer) -> None:
    lengths = {len(peer.dialect.message(number, 1.7e9 + number / 7)) for number in range(1000)}
    (length,) = lengths
    assert 95 <= length <= 135


def test_a_sample_is_json_and_keeps_its_digits() -> None:
    for number in range(1000):
        text = Dialect().sample(number, 1_790_000_000 + number / 1e5)
        sample = orjson.loads(text)
        assert sample["value"] == FIRST_VALUE + number
        assert orjson.dumps(sample) == text


def test_nats_counts_what_its_publish_says() -> None:
    assert len(NATS.dialect.sample(0, 1.7e9)) == 100


@pytest.mark.parametrize("size", [1, 60, 1000, 100_000])
def test_a_probe_sees_ages_and_order(size: int) -> None:
    dialect = Dialect()
    data = b"".join(server_frame(dialect.sample(number % 50, 1e9 + number)) for number in range(100))
    (chunks,) = cuts(data, size)
    probe = Probe(50, batches=False)
    for chunk in chunks:
        probe.feed(chunk, len(chunk), 1e9 + 200)
    assert (probe.samples, probe.errors) == (100, 0)
    assert [round(age) for age in probe.ages] == list(range(200, 100, -1))


def test_a_probe_misses_a_sample() -> None:
    dialect, probe = Dialect(), Probe(1000, batches=False)
    data = b"".join(server_frame(dialect.sample(number, 1e9)) for number in (1, 2, 4))
    probe.feed(data, len(data), 1e9)
    assert probe.errors == 1


def test_a_probe_believes_a_gap_that_is_right() -> None:
    probe = Probe(1000, batches=True)

    def samples(seq: int, *numbers: int) -> bytes:
        values = [FIRST_VALUE + number for number in numbers]
        series = [[1, [1e9] * len(values), values]]
        return server_frame(orjson.dumps({"type": "samples", "seq": seq, "prev": seq - 1, "series": series}))

    data = samples(1, 0, 1) + gap(1, 3, 5) + samples(4, 7, 8)
    probe.feed(data, len(data), 1e9)
    assert (probe.samples, probe.errors) == (4, 0)
    data = gap(4, 5, 1) + samples(6, 11)
    probe.feed(data, len(data), 1e9)
    assert probe.errors == 1


def test_the_window_grows_with_what_is_delivered() -> None:
    window = Window(10, WINDOW_MAX, 0.0)
    assert window.room(0, 0, 0.0) == WINDOW_MIN
    assert window.room(WINDOW_MIN, 0, 0.1) == 0
    now, published, delivered = 0.1, 0, 0
    for _ in range(100):
        published += max(0, window.room(published, delivered, now))
        delivered = published * 10
        now += 0.01
    assert window.room(published, delivered, now) > 10 * WINDOW_MIN


def test_the_window_has_a_greatest_size() -> None:
    window = Window(1, 40, 0.0)
    window.room(0, 0, 0.0)
    assert window.room(10_000, 10_000, 0.1) == 40


def test_what_is_lost_does_not_stop_the_publisher() -> None:
    window = Window(1, WINDOW_MAX, 0.0)
    assert window.room(WINDOW_MIN, 0, 1.0) == 0
    assert window.room(WINDOW_MIN, 0, 3.0) == WINDOW_MIN
    assert window.lost == WINDOW_MIN


def test_every_series_is_touched_once() -> None:
    messages = flows.over_series(10, 100)
    tags = [
        entry["tags"]["n"] for message in messages for entry in orjson.loads(message[message.index(b"{") :])["samples"]
    ]
    assert sorted(map(int, tags)) == list(range(100))


def test_streamgauge_is_asked_for_what_is_published() -> None:
    (ask, _) = STREAMGAUGE.dialect.subscribe
    assert orjson.loads(ask.send)["select"] == [{"metric": "load.*"}]
    assert flows.METRIC.startswith("load.")
