import logging
import os
import socket
import threading
import time
from pathlib import Path

import pytest
import trio

from ingest.watchdog import Watchdog

HERE = threading.get_ident()


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def looks(watchdog: Watchdog, clock: Clock, seconds: float, every: float = 0.25) -> None:
    """The thread's looks while so much time goes by without a beat."""
    for _ in range(round(seconds / every)):
        clock.now += every
        watchdog.look(HERE)


def test_a_stall_is_logged_once_with_the_stack_and_its_end(caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    watchdog = Watchdog(1.0, clock)
    looks(watchdog, clock, 0.75)
    assert not caplog.records
    looks(watchdog, clock, 5)
    (record,) = caplog.records
    assert (record.levelno, record.getMessage(), watchdog.stalls) == (logging.ERROR, "the loop stands still", 1)
    assert "test_a_stall_is_logged_once" in vars(record)["stack"]
    watchdog.beat()
    assert caplog.records[-1].getMessage() == "the loop goes on"
    assert vars(caplog.records[-1])["stalled_s"] == 5.75
    looks(watchdog, clock, 2)
    assert watchdog.stalls == 2


def test_a_loop_that_beats_is_left_alone(caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    watchdog = Watchdog(1.0, clock)
    for _ in range(10):
        looks(watchdog, clock, 0.5)
        watchdog.beat()
    assert not caplog.records


def test_a_process_that_was_stopped_did_not_stall(caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    watchdog = Watchdog(1.0, clock)
    looks(watchdog, clock, 60, every=60)
    watchdog.beat()
    looks(watchdog, clock, 0.5)
    assert not caplog.records


def test_none_is_wanted(caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    watchdog = Watchdog(0.0, clock)
    looks(watchdog, clock, 60)
    assert not caplog.records


async def test_a_real_loop_that_stands_still(caplog: pytest.LogCaptureFixture) -> None:
    watchdog = Watchdog(0.1)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(watchdog.run)
        await trio.sleep(0.05)
        until = time.monotonic() + 5
        while not watchdog.stalls and time.monotonic() < until:
            time.sleep(0.01)  # noqa: ASYNC251 - which is the point
        await trio.sleep(0.1)
        nursery.cancel_scope.cancel()
    assert watchdog.stalls == 1
    assert "time.sleep(0.01)" in vars(caplog.records[0])["stack"]
    assert [record.getMessage() for record in caplog.records] == ["the loop stands still", "the loop goes on"]
    caplog.clear()


async def test_the_service_manager_hears_it_only_while_the_loop_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(str(tmp_path / "notify"))
        sock.setblocking(False)
        monkeypatch.setenv("NOTIFY_SOCKET", sock.getsockname())
        monkeypatch.setenv("WATCHDOG_USEC", "60000")
        monkeypatch.setenv("WATCHDOG_PID", str(os.getpid()))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(Watchdog(0.0).run)
            for _ in range(3):
                await trio.lowlevel.wait_readable(sock)
                assert sock.recv(100) == b"WATCHDOG=1"
            time.sleep(0.2)  # noqa: ASYNC251 - the loop stands still
            with pytest.raises(BlockingIOError):
                sock.recv(100)
            nursery.cancel_scope.cancel()
