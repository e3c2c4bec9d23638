"""The benchmarks measure the real thing: every delivery counted, none lost, contents looked into."""

from benchmarks.load.board import PUBLISHED
from benchmarks.load.publisher import Paced
from benchmarks.load.run import connect_mixed
from benchmarks.measures.options import NUMBERS, server_and_load
from benchmarks.peers.registry import STREAMGAUGE


def test_a_short_run_against_streamgauge() -> None:
    with server_and_load(STREAMGAUGE) as run:
        probes = connect_mixed(run, 20, 4, NUMBERS)
        with run.publishing(Paced(500)):
            while run.board[PUBLISHED] < 200:
                run.measure(0.05)
        assert run.drain(run.board[PUBLISHED] * 20) == 0
        report = run.report()
        assert report.samples == [run.board[PUBLISHED]] * 20
        assert (report.errors, report.probe_errors, report.closed, report.gaps) == (0, 0, 0, 0)
        assert report.probed == 4 * run.board[PUBLISHED]
        ages = probes.ages()
        assert len(ages) == report.probed
        assert 0 < min(ages) < 5
