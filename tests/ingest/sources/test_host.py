from ingest.samples import check_series, check_value
from ingest.sources.host import HostReader, Rates


def test_rates_survive_counters_that_begin_anew() -> None:
    rates = Rates()
    counts = [(100.0, 0.0), (300.0, 2.0), (50.0, 3.0), (60.0, 4.0), (60.0, 4.0)]
    assert [rates.rate("m", "eth0", count, now) for count, now in counts] == [None, 100.0, None, 10.0, None]


def test_this_machine_can_be_read() -> None:
    reader = HostReader()
    reader.read(0.0)
    readings = reader.read(1.0)
    for each in readings:
        check_series(each.metric, each.tags)
        check_value(each.value)
    assert {"host.cpu.percent", "host.memory.used", "host.swap.used", "host.load", "host.net.sent"} <= {
        each.metric for each in readings
    }
    assert sum(each.metric == "host.process.cpu" for each in readings) <= 5
