import argparse
import importlib
import sys
import time
from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING, Any

import orjson
import trio

from ingest.errors import CommandError, extra
from ingest.printing import discard, unwritten

if TYPE_CHECKING:
    from broadcaster.subscriber import Subscriber
    from broadcaster.subscription import Message, Samples
    from broadcaster.watch_config import WatchConfig

REFRESH_S = 0.25


def add_watch(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser(
        "watch",
        help="a live table of series in the terminal; JSON lines if the output is no terminal",
        epilog="SELECT is GLOB or GLOB{key=GLOB,key=GLOB}, e.g. 'host.cpu.*{host=web-?}'. Put it in quotes.",
    )
    parser.add_argument("select", nargs="+", metavar="SELECT", help="which series; any may match")
    parser.add_argument("--from", dest="source", metavar="URL", help="the broadcaster (ws://127.0.0.1:8765)")
    parser.add_argument("--token-file", metavar="FILE", help="a file with the token to connect with")
    parser.add_argument("--ca", metavar="FILE", help="authorities to believe for wss:// (PEM; the system's)")
    parser.add_argument("--history-s", type=float, metavar="SECONDS", help="history to begin with (60)")
    parser.add_argument("--config", metavar="FILE", help="a TOML file with settings")
    parser.set_defaults(run=_watch)


def _watch(args: argparse.Namespace) -> int:
    """Raises CommandError: a bad selection or setting, no broadcaster there, or the broadcaster refused."""
    with extra("broadcaster"):
        from broadcaster.watch_config import WatchConfig
        from ingest.settings import load

        importlib.import_module("rich")  # now, not when the table is to be drawn
    flags = {"from": args.source, "history_s": args.history_s, "token_file": args.token_file, "ca": args.ca}
    config = load("watch", WatchConfig, flags, args.config)
    trio.run(_run, _selection(args.select), config)
    return 0


def _selection(texts: Sequence[str]) -> list[dict[str, object]]:
    from broadcaster.selection import parse_select
    from ingest.messages import MessageError

    try:
        selectors = [parse_select(text) for text in texts]
    except MessageError as error:
        raise CommandError(error.message) from None
    return [{"metric": selector.metric, "tags": dict(selector.tags)} for selector in selectors]


async def _run(select: Sequence[dict[str, object]], config: "WatchConfig") -> None:
    from broadcaster.subscriber import open_subscriber
    from ingest.credentials import token_file
    from ingest.signals import until_signalled

    table = sys.stdout.isatty()
    overflow: Any = "conflate" if table else "drop_oldest"
    async with (
        until_signalled(),
        open_subscriber(
            config.url,
            select,
            history_s=config.history_s,
            token=token_file(config.token_file),
            ca=config.ca,
            overflow=overflow,
            client="streamgauge watch",
        ) as subscriber,
    ):
        await (_show if table else _print)(subscriber, config.url)


async def _messages(subscriber: "Subscriber", url: str) -> AsyncIterator["Message"]:
    """What arrives. Raises CommandError if the broadcaster refuses, or is away before it was ever reached.

    A person who mistyped the URL wants to know, not to wait; one who has been watching wants it to come back.
    """
    from broadcaster.subscription import StateChanged, SubscriptionEnded

    reached = False
    try:
        async for message in subscriber:
            if isinstance(message, StateChanged) and not reached:
                reached = message.state == "live"
                if not reached and message.state != "connecting":
                    raise CommandError(f"no broadcaster at {url}: {message.reason}")
            yield message
    except SubscriptionEnded as ended:
        raise CommandError(f"{url}: {ended}") from None


async def _show(subscriber: "Subscriber", url: str) -> None:
    from rich.console import Console
    from rich.live import Live

    from broadcaster.watch_table import Model, Screen

    model = Model(url, trio.current_time())
    reached = trio.Event()

    async def feed() -> None:
        async for message in _messages(subscriber, url):
            model.take(message, trio.current_time())
            if model.state.state == "live":
                reached.set()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(feed)
        await reached.wait()
        with Live(console=Console(), screen=True, auto_refresh=False) as live:
            while True:
                model.round_trip_s = subscriber.statistics().round_trip_s
                live.update(Screen(model, trio.current_time(), time.time()), refresh=True)
                await trio.sleep(REFRESH_S)


async def _print(subscriber: "Subscriber", url: str) -> None:
    """JSON lines on stdout, a sample each; what is to be said beside on stderr. Ends when nobody reads any more."""
    from broadcaster.subscription import Samples

    async for message in _messages(subscriber, url):
        if isinstance(message, Samples):
            try:
                # In a thread, so that a slow reader of the pipe does not stop the answers to pings.
                await trio.to_thread.run_sync(_write, lines(message), abandon_on_cancel=True)
            except BrokenPipeError:  # whoever reads has had enough, as `head` does
                discard()
                return
            except OSError as error:
                raise unwritten(error) from None
        elif note := note_of(message):
            print(f"streamgauge watch: {note}", file=sys.stderr, flush=True)


def _write(data: bytes) -> None:
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def lines(samples: "Samples") -> bytes:
    """A JSON line a sample, in the form that `streamgauge push jsonl` reads."""
    written = []
    for column in samples.columns:
        of = column.of
        head = {"metric": of.series.metric, "tags": dict(of.series.tags)}
        tail = {"unit": of.unit, "kind": of.kind}
        for at, value in zip(column.times, column.values, strict=True):
            written.append(orjson.dumps({**head, "time": at, "value": value, **tail}, option=orjson.OPT_APPEND_NEWLINE))
    return b"".join(written)


def note_of(message: "Message") -> str | None:
    """What a person should know of it, in one line."""
    from broadcaster.subscription import GapReported, Refused, Resynchronised, StateChanged

    match message:
        case StateChanged(state, reason, _, retry_s) if retry_s or state in ("reconnecting", "cannot_connect"):
            return f"{state.replace('_', ' ')}: {reason}; next attempt in {retry_s:.1f} s"
        case GapReported(announced=True):
            return f"too slow: {message.samples} samples in {message.batches} batches were left out"
        case GapReported():
            return f"samples may be lost between batches {message.first} and {message.last}"
        case Resynchronised(epoch_changed=True):
            return "the broadcaster started anew: samples may be missing"
        case Resynchronised():
            return "the broadcaster no longer holds what was missed: its whole history follows"
        case Refused(_, text):
            return text
    return None
