"""`connect` as ordinary programs use it: threads, ends of all kinds, forks; against real broadcasters."""

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
import trio

from ingest import BlockingProducer, ProducerClosed, connect
from tests.e2e.conftest import Start
from tests.e2e.producing import between, held, numbers, until, until_seen, watching

ROOT = Path(__file__).parents[2]
THREADS = 8


def by_threads(producer: BlockingProducer, send: Callable[[int], None]) -> None:
    """`send` in as many threads at once; what one raises is raised."""
    with ThreadPoolExecutor(THREADS) as pool:
        for future in [pool.submit(send, thread) for thread in range(THREADS)]:
            future.result()


@contextmanager
def impatient(producer: BlockingProducer) -> Iterator[None]:
    done = threading.Event()

    def press() -> None:
        while not done.wait(0.01):
            if producer.statistics().state in ("reconnecting", "cannot_connect"):
                producer.retry_now()

    thread = threading.Thread(target=press)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


async def test_eight_threads_over_a_bad_network(start: Start) -> None:
    broadcaster = await start()
    each = 1000
    finished = trio.Event()

    def program(url: str) -> None:
        with connect(url, batch_samples=50, window=4, flush_interval_s=0.005) as producer, impatient(producer):

            def send(thread: int) -> None:
                for number in range(each):
                    producer.send("a", number, thread=thread)
                    if number % 20 == 0:
                        time.sleep(0.005)

            by_threads(producer, send)
            assert producer.flush(20)
            now = producer.statistics()
            assert (now.acknowledged, now.dropped, now.unsent) == (THREADS * each, 0, 0)
            assert now.connections > 3
            trio.from_thread.run_sync(finished.set)

    async def cut_now_and_then() -> None:
        while not finished.is_set():
            proxy.cut_after(4000)
            await trio.sleep(0.03)
            proxy.cut_after(1000, "downstream")
            await trio.sleep(0.03)

    async with between(broadcaster) as proxy, watching(broadcaster.url) as wire, trio.open_nursery() as nursery:
        nursery.start_soon(cut_now_and_then)
        await trio.to_thread.run_sync(program, proxy.url)
        await until_seen(wire, THREADS * each)
    history = await held(broadcaster.url, THREADS * each)
    for thread in range(THREADS):
        assert wire.rules.values(f"a{{thread={thread}}}") == numbers(each)
        assert history.rules.values(f"a{{thread={thread}}}") == numbers(each)


async def test_threads_wait_for_room_while_the_link_is_held(start: Start) -> None:
    broadcaster = await start()

    def program(url: str) -> None:
        with connect(url, buffer_samples=20, batch_samples=10, window=2, on_full="block") as producer:

            def send(thread: int) -> None:
                producer.send_many("a", numbers(100), numbers(100), thread=thread)

            by_threads(producer, send)
            assert producer.flush(20)
            assert producer.statistics().acknowledged == THREADS * 100

    async with between(broadcaster) as proxy, watching(broadcaster.url) as wire, trio.open_nursery() as nursery:
        proxy.hold()
        nursery.start_soon(trio.to_thread.run_sync, program, proxy.url)
        await trio.sleep(0.2)
        assert wire.rules.accounted == 0
        proxy.resume()
        await until_seen(wire, THREADS * 100)
    for thread in range(THREADS):
        assert wire.rules.values(f"a{{thread={thread}}}") == numbers(100)


async def test_the_end_of_the_block_flushes(start: Start) -> None:
    broadcaster = await start()

    def program(url: str) -> None:
        with connect(url, flush_interval_s=60) as producer:
            producer.send_many("a", numbers(5000), numbers(5000))
            producer.event("e", "done")
        assert producer.statistics().acknowledged == 5001

    async with watching(broadcaster.url) as wire:
        await trio.to_thread.run_sync(program, broadcaster.url)
        await until_seen(wire, 5001)
    assert wire.rules.values("a") == numbers(5000)


async def test_the_end_waits_no_longer_than_it_may(start: Start, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    broadcaster = await start()

    def program(url: str) -> None:
        with connect(url, flush_s=0.2) as producer:
            assert producer.flush(5)
            trio.from_thread.run_sync(proxy.hold)
            producer.send("a", 1)
            assert not producer.flush(0.05)
            begun = time.monotonic()
        assert time.monotonic() - begun < 5
        assert (producer.statistics().unsent, producer.statistics().state) == (1, "closed")
        for call in (lambda: producer.send("a", 2), producer.flush):
            with pytest.raises(ProducerClosed):
                call()
        producer.retry_now()

    async with between(broadcaster) as proxy:
        await trio.to_thread.run_sync(program, proxy.url)
    assert "closed with 1 samples of which it is not known that they arrived" in caplog.text


ENDS = {
    "the block is never left": "producer = opened.__enter__(); producer.send('a', 1); producer.flush()",
    "sys.exit": "with opened as producer: producer.send('a', 1); sys.exit()",
    "a thread that is still sending": """
producer = opened.__enter__()
def send():
    while True:
        producer.send('a', 1)
threading.Thread(target=send, daemon=True).start()
producer.flush()""",
    "a fork": """
with opened as producer:
    producer.send('a', 1)
    child = os.fork()
    if not child:
        for call in (lambda: producer.send('a', 2), producer.flush):
            try:
                call()
            except ProducerClosed as error:
                assert 'forked' in str(error)
            else:
                os._exit(9)
        producer.retry_now()
        sys.exit()
    assert os.waitpid(child, 0)[1] == 0
    producer.send('a', 1)
""",
    "a fork with a producer of its own": """
with opened as producer:
    producer.send('a', 1)
    child = os.fork()
    if not child:
        with connect(url) as own:
            own.send('b', 1)
        assert own.statistics().acknowledged == 1
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
""",
}


@pytest.mark.parametrize("end", ENDS)
async def test_programs_end_at_once(start: Start, end: str) -> None:
    broadcaster = await start()
    head = "import os, sys, threading\nfrom ingest import ProducerClosed, connect\nurl = sys.argv[1]\n"
    command = [sys.executable, "-c", f"{head}opened = connect(url)\n{ENDS[end]}", broadcaster.url]
    async with watching(broadcaster.url) as wire:
        with trio.fail_after(10):
            ran = await trio.run_process(command, cwd=ROOT, capture_stdout=True, capture_stderr=True, check=False)
        await until(lambda: bool(wire.rules.values("a")))
    assert (ran.returncode, ran.stderr) == (0, b"")
    assert set(wire.rules.values("a")) == {1}


async def test_ctrl_c_ends_a_program_whose_broadcaster_is_away() -> None:
    program = "import time\nfrom ingest import connect\nwith connect('ws://127.0.0.1:1', flush_s=0.2) as producer:\n"
    program += "    producer.send('a', 1)\n    print(flush=True)\n    time.sleep(60)"
    process = await trio.lowlevel.open_process(
        [sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout and process.stderr
    async with process.stdout, process.stderr:
        await process.stdout.receive_some()
        begun = trio.current_time()
        os.kill(process.pid, signal.SIGINT)
        with trio.fail_after(10):
            said = b"".join([chunk async for chunk in process.stderr])
            await process.wait()
    assert trio.current_time() - begun < 3
    assert said.splitlines()[-1] == b"KeyboardInterrupt"
    assert b"closed with 1 samples" in said
