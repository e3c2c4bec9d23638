"""The producer for ordinary programs: threads of the test's own, streams in memory."""

import logging
import threading
from typing import Any

import pytest

from ingest import ProducerClosed, SampleError, connect
from tests.ingest.link import Scripted, Store, values


def run_threads(count: int, work: Any) -> None:
    threads = [threading.Thread(target=work, args=(n,)) for n in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_every_thread_may_send() -> None:
    store = Store()
    with connect(dial=Scripted(store.serve)) as producer:

        def work(n: int) -> None:
            for i in range(200):
                producer.send("a", n * 1000 + i, thread=n)

        run_threads(8, work)
        assert producer.flush()
        assert producer.statistics().acknowledged == 1600
    got = values(store.messages)
    assert sorted(got) == sorted(n * 1000 + i for n in range(8) for i in range(200))
    for n in range(8):
        own = [value for value in got if value // 1000 == n]
        assert own == sorted(own)


def test_threads_wait_for_room() -> None:
    store = Store()
    with connect(dial=Scripted(store.serve), buffer_samples=10, on_full="block") as producer:
        run_threads(4, lambda n: producer.send_many("a", range(100), [n * 1000 + i for i in range(100)]))
    assert len(values(store.messages)) == 400 and producer.statistics().unsent == 0


def test_exit_flushes_and_closes() -> None:
    store = Store()
    with connect(dial=Scripted(store.serve), flush_interval_s=30) as producer:
        producer.send("a", 1)
        producer.event("e", "done")
    assert values(store.messages) == [1, "done"]
    with pytest.raises(ProducerClosed):
        producer.send("a", 2)


def test_a_broadcaster_that_stays_away_holds_nobody_up(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    with connect(dial=Scripted(), flush_s=0.1) as producer:
        producer.send("a", 1)
        assert not producer.flush(0.05)
    assert producer.statistics().unsent == 1 and "closed with 1 samples" in caplog.text


def test_bad_samples_and_urls_are_refused_at_the_call() -> None:
    with pytest.raises(ValueError, match="expected a URL"), connect("http://x"):
        raise AssertionError
    with connect(dial=Scripted(), flush_s=0) as producer, pytest.raises(SampleError):
        producer.send("a", float("inf"))


def test_a_bad_option_is_told_to_the_caller() -> None:
    with pytest.raises(ValueError, match="window: expected a whole number of at least 1, got 0"), connect(window=0):
        raise AssertionError
    with pytest.raises(TypeError, match="no option windows"), connect(windows=1):  # type: ignore[call-arg]
        raise AssertionError
