"""`streamgauge push` as a person uses it: real processes, a real `streamgauge serve`, and what arrives."""

import json
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio

from tests.e2e.command import ANYWHERE, COMMAND, environment, refusal, running, url_in
from tests.e2e.conftest import BroadcasterProcess
from tests.e2e.ports import free_ports
from tests.e2e.producing import numbers, until_seen, watching

ENDS_S = 15


@pytest.fixture(scope="module")
def served() -> Iterator[str]:
    """One broadcaster for all tests here, each of which has metrics of its own."""
    with running("serve", **ANYWHERE) as process:
        yield url_in(process, "ws") + "/v1/stream"


class Push:
    """`streamgauge push` with these arguments; what it prints goes through pipes."""

    def __init__(self, process: trio.Process) -> None:
        self.process = process

    async def write(self, *lines: str | bytes) -> None:
        assert self.process.stdin is not None
        await self.process.stdin.send_all(b"".join((x if isinstance(x, bytes) else x.encode()) + b"\n" for x in lines))

    async def close(self) -> None:
        assert self.process.stdin is not None
        await self.process.stdin.aclose()

    async def end(self) -> tuple[int, list[str]]:
        """Its exit status and what it said on standard error."""
        assert self.process.stderr is not None
        with trio.fail_after(ENDS_S):
            said = b"".join([chunk async for chunk in self.process.stderr]).decode()
            return await self.process.wait(), said.splitlines()


@asynccontextmanager
async def push(url: str, *arguments: str) -> AsyncIterator[Push]:
    pipe = subprocess.PIPE
    command = [COMMAND, "push", "--to", url, *arguments]
    process = await trio.lowlevel.open_process(command, stdin=pipe, stderr=pipe, env=environment())
    try:
        yield Push(process)
    finally:
        process.kill()
        with trio.CancelScope(shield=True):
            await process.wait()
            for stream in (process.stdin, process.stderr):
                if stream is not None:
                    await stream.aclose()


def accounted_for(count: int) -> str:
    return f"sent {count:,} samples, {count:,} acknowledged"


async def test_lines_of_both_kinds_and_bad_ones(served: str) -> None:
    async with watching(served, "lines.*") as wire, push(served, "lines") as program:
        await program.write(
            "lines.door 1 side=north name='the big one'",
            '{"metric": "lines.json", "value": [1.5, null], "time": [10, 11], "tags": {"a": "b"}, "unit": "s"}',
            "lines.door two side=north",
            "lines.door 0 side=north name='the big one' time=12.5 unit=1",
            "",
            "# a comment",
            b"\xff\xfe",
            '{"metric": "lines.json"',
            "lines.deploy 'version 1.4' kind=event",
        )
        await until_seen(wire, 5)
        await program.close()
        status, said = await program.end()
    assert status == 0
    assert [line.split(":")[0] for line in said[:3]] == ["line 3", "line 7", "line 8"]
    assert said[3:] == ["3 of 9 lines were bad", accounted_for(5)]
    assert wire.rules.values("lines.door{name=the big one,side=north}") == [1, 0]
    assert wire.rules.times("lines.door{name=the big one,side=north}")[1] == 12.5
    assert wire.rules.values("lines.json{a=b}") == [1.5, None]
    assert wire.rules.values("lines.deploy") == ["version 1.4"]


async def test_many_lines_through_a_pipe(served: str) -> None:
    async with watching(served, "pipe") as wire, push(served, "lines") as program:
        for start in range(0, 20_000, 1000):
            await program.write(*(f"pipe {number}" for number in range(start, start + 1000)))
        await program.close()
        assert await program.end() == (0, [accounted_for(20_000)])
        await until_seen(wire, 20_000)
    assert wire.rules.values("pipe") == numbers(20_000)


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    """Eleven seconds, one row a second."""
    rows = "".join(f"{1000 + second},{second},{second * 2},left\n" for second in range(11))
    file = tmp_path / "recorded.csv"
    file.write_text(f"time,Temp (C),load,side\n{rows}")
    return file


async def test_csv_at_ten_times_its_speed(served: str, recorded: Path) -> None:
    arguments = ("csv", "--speed", "10", "--tag", "side", "--prefix", "csv.", str(recorded))
    async with watching(served, "csv.*") as wire, push(served, *arguments) as program:
        await until_seen(wire, 2)
        begun = time.time()
        assert await program.end() == (0, [accounted_for(22)])
        assert 0.8 < time.time() - begun < 5
        await until_seen(wire, 22)
    assert wire.rules.values("csv.Temp_C{side=left}") == numbers(11)
    times = wire.rules.times("csv.load{side=left}")
    assert abs(times[0] - begun) < 5
    assert [round(time - times[0], 3) for time in times] == [second / 10 for second in range(11)]


async def test_what_a_csv_file_holds_beside_numbers_is_told(served: str, tmp_path: Path) -> None:
    file = tmp_path / "mixed.csv"
    file.write_text(f"time,first,{','.join(f'note {n}' for n in range(11))}\n1,NA{',x' * 11}\n2,5{',' * 11}\n")
    async with push(served, "csv", "--speed", "0", "--prefix", "mixed.", str(file)) as program:
        status, said = await program.end()
    assert (status, said[0]) == (0, 'column "first": 1 cell left out before its first number')
    assert said[9:] == [
        'column "note 8" left out: no number in 1 cell',
        "and cells of 2 more columns",
        "sent 1 sample, 1 acknowledged",
    ]


async def test_jsonl_as_fast_as_possible_with_its_own_times(served: str, tmp_path: Path) -> None:
    file = tmp_path / "recorded.jsonl"
    rows = [{"metric": "jsonl", "value": number, "time": 5e8 + number} for number in range(20_000)]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    async with watching(served, "jsonl") as wire:
        async with push(served, "jsonl", "--speed", "0", "--keep-times", str(file)) as program:
            assert await program.end() == (0, [accounted_for(20_000)])
        await until_seen(wire, 20_000)
    assert wire.rules.values("jsonl") == numbers(20_000)
    assert wire.rules.times("jsonl") == [5e8 + number for number in range(20_000)]


async def test_this_machine(served: str) -> None:
    async with watching(served, "host.*") as wire, push(served, "host", "--interval-s", "0.1") as program:
        with trio.fail_after(ENDS_S):
            metrics: set[str] = set()
            while not {"host.cpu.percent", "host.memory.used", "host.load", "host.net.sent"} <= metrics:
                await trio.sleep(0.02)
                metrics = {name.partition("{")[0] for name in wire.rules.points}
        program.process.send_signal(signal.SIGTERM)
        status, said = await program.end()
    assert (status, len(said)) == (0, 1)
    assert all("host" in descriptor["tags"] for descriptor in wire.rules.descriptors.values())


@pytest.mark.parametrize(
    ("number", "arguments"),
    [
        (signal.SIGINT, ["host"]),
        (signal.SIGTERM, ["shop"]),
        (signal.SIGINT, ["lines"]),
        (signal.SIGTERM, ["lines"]),
        (signal.SIGINT, ["csv", "--speed", "0.5", "--prefix", "stop.", "FILE"]),
    ],
)
async def test_a_signal_ends_it_at_once(
    served: str, recorded: Path, number: signal.Signals, arguments: Sequence[str]
) -> None:
    selected = {"lines": "stop.line", "csv": "stop.*"}.get(arguments[0], f"{arguments[0]}.*")
    arguments = [str(recorded) if each == "FILE" else each for each in arguments]
    async with watching(served, selected) as wire, push(served, *arguments) as program:
        if arguments[0] == "lines":
            await program.write("stop.line 1")
        await until_seen(wire, 1)
        begun = trio.current_time()
        program.process.send_signal(number)
        status, said = await program.end()
    assert trio.current_time() - begun < 3
    assert (status, len(said)) == (0, 1)
    assert said[0].startswith("sent ")


async def test_it_waits_for_a_broadcaster_and_survives_its_end(
    broadcaster_process: Callable[..., BroadcasterProcess],
) -> None:
    process = broadcaster_process(reconnect_spread_s=0.1, telemetry_interval_s=1.0)  # whoever waits hears something
    async with push(process.url, "--wait", "lines") as program:
        await program.write("a 1")
        await process.start()
        async with watching(process.url, resume="nothing known") as wire:
            await until_seen_at_all(wire.rules.points, "a")
        process.send_signal(signal.SIGTERM)
        await process.wait()
        await program.write("b 1")
        await process.start()
        async with watching(process.url, resume="nothing known") as wire:
            await until_seen_at_all(wire.rules.points, "b")
        await program.close()
        assert await program.end() == (0, [accounted_for(2)])


async def until_seen_at_all(points: Mapping[str, object], name: str) -> None:
    with trio.fail_after(20):
        while name not in points:  # noqa: ASYNC110 - filled by the subscriber's task
            await trio.sleep(0.01)


async def test_what_was_left_unsent_is_status_1(broadcaster_process: Callable[..., BroadcasterProcess]) -> None:
    process = broadcaster_process()
    await process.start()
    async with watching(process.url) as wire, push(process.url, "--flush-s", "0.2", "lines") as program:
        await program.write("a 1")
        await until_seen(wire, 1)
        process.send_signal(signal.SIGKILL)
        await process.wait()
        await program.write("a 2", "a 3")
        await program.close()
        status, said = await program.end()
    assert status == 1
    assert said[-1] == "sent 3 samples, 1 acknowledged, 2 left unsent"


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["csv", "{dir}/nothing.csv"], "{dir}/nothing.csv: no such file"),
        (["jsonl", "{dir}"], "{dir}: not an ordinary file"),
        (["csv", "--tag", "colour", "{csv}"], '{csv}: no column "colour"; the columns are: time, Temp (C), load, side'),
        (["jsonl", "--speed", "-1", "{csv}"], '--speed: expected at least 0, got "-1"'),
        (["--token-file", "{dir}/token", "host"], "--token-file: {dir}/token: No such file or directory"),
        (["--token-file", "{csv}", "host"], "--token-file: {csv}: token: expected printable ASCII without spaces"),
        (["csv", "{dir}/alike.csv"], '{dir}/alike.csv: the header: two columns "a"'),
        (["csv", "--loop", "--keep-times", "{csv}"], "--loop: cannot go with --keep-times"),
    ],
)
def test_what_cannot_be_is_one_line(served: str, recorded: Path, arguments: list[str], line: str) -> None:
    (recorded.parent / "alike.csv").write_text("time,a,a\n1,2,3\n")
    places = {"dir": str(recorded.parent), "csv": str(recorded)}
    said = refusal("push", "--to", served, *(each.format(**places) for each in arguments))
    assert said.startswith(line.format(**places))


@pytest.mark.parametrize("source", ["lines", "csv"])
def test_a_closed_port_is_one_line_whatever_the_source(recorded: Path, source: str) -> None:
    (port,) = free_ports(1)
    said = refusal("push", "--to", f"ws://127.0.0.1:{port}", source, *([str(recorded)] if source == "csv" else []))
    assert said == f"cannot connect to ws://127.0.0.1:{port}: Connection refused"
