"""`streamgauge push`: one source, one producer, one line that says how it goes."""

import logging
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import trio
from rich.console import Console
from rich.live import Live

from ingest.credentials import token_file
from ingest.errors import CommandError
from ingest.producer import CannotConnect, Producer, ProducerClosed, open_producer
from ingest.push_config import PushSettings
from ingest.push_status import Pace, line, progress_bar, summary
from ingest.signals import until_signalled
from ingest.sources.host import host
from ingest.sources.lines import LineError, lines, read_descriptor, split_lines
from ingest.sources.replay import LeftOut, Replay, Row, read_csv, read_jsonl
from ingest.sources.shop import shop

STATUS_S = 0.25
COLUMNS_TOLD = 10
DROPPING = ("host", "shop")  # a source that cannot wait

Source = Callable[[Producer, Console], Awaitable[None]]


def run(source: str, settings: PushSettings, path: str | None) -> int:
    """Push until the source ends or a signal comes. Returns the exit status: 1 if samples were lost.

    Raises:
        CommandError: the broadcaster is away at the start or refuses this producer, or a file cannot be read.
    """
    prepared = _prepare(source, settings, path)
    # An error of the producer ends the command, which says so itself.
    logging.getLogger("streamgauge.producer").addFilter(lambda record: record.levelno < logging.ERROR)
    return trio.run(_push, source, settings, prepared)


def _prepare(source: str, settings: PushSettings, path: str | None) -> Source:
    match source:
        case "host":
            return lambda producer, console: host(producer, settings.interval_s, top_processes=settings.top_processes)
        case "shop":
            return lambda producer, console: shop(producer, seed=settings.seed, rate_hz=settings.rate_hz)
        case "lines":
            return _lines
    file = Path(path or "")
    if not file.is_file():
        raise CommandError(f"{file}: {'not an ordinary file' if file.exists() else 'no such file'}")
    if settings.loop and not settings.restamp:
        raise CommandError("--loop: cannot go with --keep-times: the same samples would come again and again")
    read = (
        read_jsonl
        if source == "jsonl"
        else partial(read_csv, time_column=settings.time_column, tags=settings.tag, prefix=settings.prefix)
    )
    return partial(_replay, file, file.stat().st_size, read, settings)


async def _lines(producer: Producer, console: Console) -> None:
    report = partial(console.print, markup=False, highlight=False, soft_wrap=True)
    counts = await lines(producer, split_lines(read_descriptor(sys.stdin.fileno())), report=report)
    if counts.bad:
        report(f"{counts.bad} of {counts.lines} lines were bad")


async def _replay(
    path: Path,
    size: int,
    read: Callable[[Iterable[bytes]], Iterator[Row]],
    settings: PushSettings,
    producer: Producer,
    console: Console,
) -> None:
    report = partial(console.print, markup=False, highlight=False, soft_wrap=True)
    replay = Replay(producer, settings.speed, settings.restamp, report)
    with progress_bar(producer.statistics, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task(path.name, total=size)
        try:
            await replay.run(path, read, lambda position: progress.update(task, completed=position))
            _tell_left_out(replay.counts.left_out, report)
            while settings.loop and replay.counts.rows > replay.counts.bad:
                await trio.lowlevel.checkpoint()
                progress.reset(task)
                await replay.run(path, read, lambda position: progress.update(task, completed=position))
        except OSError as error:
            raise CommandError(f"{path}: cannot be read: {error.strerror}") from None
        except LineError as error:
            raise CommandError(f"{path}: {error}") from None
    if replay.counts.bad:
        report(f"{replay.counts.bad} of {replay.counts.rows} rows were bad")


def _tell_left_out(columns: Sequence[LeftOut], report: Callable[[str], None]) -> None:
    for column in columns[:COLUMNS_TOLD]:
        report(str(column))
    if len(columns) > COLUMNS_TOLD:
        report(f"and cells of {len(columns) - COLUMNS_TOLD:,} more columns")


async def _push(source: str, settings: PushSettings, prepared: Source) -> int:
    console = Console(stderr=True)
    # Neither a progress bar nor what a person types shares a terminal well with a status line.
    typed = source == "lines" and sys.stdin.isatty()
    live = console.is_terminal and source not in ("csv", "jsonl") and not typed
    async with until_signalled(), _producer(source, settings) as producer:
        await _connected(producer, settings)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_until_refused, producer)
            if live:
                nursery.start_soon(_show, producer, console, settings.to)
            elif typed and console.is_terminal:
                console.print("Type: metric value key=value... Ctrl-D ends it.", style="dim", highlight=False)
            await prepared(producer, console)
            nursery.cancel_scope.cancel()
    last = producer.statistics()
    console.print(summary(last), highlight=False, soft_wrap=True)
    return 1 if last.unsent or last.dropped or last.rejected else 0


@asynccontextmanager
async def _producer(source: str, settings: PushSettings) -> AsyncIterator[Producer]:
    on_full = settings.on_full or ("drop_oldest" if source in DROPPING else "block")
    async with open_producer(
        settings.to,
        token=token_file(settings.token_file),
        ca=settings.ca,
        client=f"streamgauge push {source}",
        buffer_samples=settings.buffer_samples,
        on_full=on_full,
        flush_s=settings.flush_s,
    ) as producer:
        yield producer


async def _connected(producer: Producer, settings: PushSettings) -> None:
    if settings.wait:
        return
    try:
        await producer.connected()
    except (CannotConnect, ProducerClosed) as error:
        raise CommandError(f"cannot connect to {settings.to}: {error}") from None


async def _until_refused(producer: Producer) -> None:
    raise CommandError(f"the broadcaster refused this producer: {await producer.refused()}")


async def _show(producer: Producer, console: Console, url: str) -> None:
    pace = Pace()
    with Live(console=console, auto_refresh=False, transient=True) as live:
        while True:
            now = producer.statistics()
            live.update(line(now, url, pace.rate(trio.current_time(), now.acknowledged)), refresh=True)
            await trio.sleep(STATUS_S)
