import threading
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from ingest.samples import check_series, check_value
from ingest.sources.host import HostReader, Rates


def test_rates_survive_counters_that_begin_anew() -> None:
    rates = Rates()
    counts = [(100.0, 0.0), (300.0, 2.0), (50.0, 3.0), (60.0, 4.0), (60.0, 4.0)]
    assert [rates.rate("m", "eth0", count, now) for count, now in counts] == [None, 100.0, None, 10.0, None]


def test_this_machine_can_be_read() -> None:
    reader = HostReader()
    reader.read(0.0)
    begun = psutil.cpu_times(percpu=True)
    while psutil.cpu_times(percpu=True) == begun:  # in ticks of the kernel, of which one must pass
        pass
    readings = reader.read(1.0)
    for each in readings:
        check_series(each.metric, each.tags)
        check_value(each.value)
    assert {"host.cpu.percent", "host.memory.used", "host.swap.used", "host.load", "host.net.sent"} <= {
        each.metric for each in readings
    }
    assert sum(each.metric == "host.process.cpu" for each in readings) <= 5


class Times(SimpleNamespace):
    def _asdict(self) -> dict[str, float]:
        return dict(vars(self))


def test_use_of_cores_is_since_the_last_reading_whichever_thread_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    states = [
        [Times(user=0, system=0, idle=0, iowait=0, guest=0), Times(user=9, system=0, idle=1, iowait=0, guest=9)],
        [Times(user=1, system=1, idle=7, iowait=1, guest=0), Times(user=19, system=0, idle=1, iowait=0, guest=19)],
        [Times(user=1, system=1, idle=7, iowait=1, guest=0), Times(user=24, system=0, idle=6, iowait=0, guest=20)],
    ]
    monkeypatch.setattr(psutil, "cpu_times", lambda percpu: states.pop(0))
    reader = HostReader(top_processes=0)
    seen: list[dict[str, float]] = []

    def read(now: float) -> None:
        readings: list[Any] = [each for each in reader.read(now) if each.metric == "host.cpu.percent"]
        seen.append({each.tags["core"]: each.value for each in readings})

    for now in (1.0, 2.0):
        thread = threading.Thread(target=read, args=(now,))
        thread.start()
        thread.join()
    assert seen == [{"0": 20.0, "1": 100.0}, {"1": 50.0}], "no tick passed for core 0: nothing is known of it"
