import argparse

from ingest.errors import extra

COMMON = ("to", "token_file", "ca", "wait", "buffer_samples", "on_full", "flush_s")
OWN = {
    "host": ("interval_s", "top_processes"),
    "lines": (),
    "csv": ("speed", "loop", "restamp", "time_column", "tag", "prefix"),
    "jsonl": ("speed", "loop", "restamp"),
    "shop": ("seed", "rate_hz"),
}
LINES = """\
A line is a JSON object as in a publish message,
  {"metric": "door.open", "value": 1, "tags": {"door": "north"}, "unit": ""}
or words:
  door.open 1 door=north
time=SECONDS, unit=TEXT and kind=event are no tags but what they say. Bad lines are reported; the others go on.
"""


def add_commands(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    push = subparsers.add_parser(
        "push",
        help="send samples to a broadcaster",
        description="Send samples to a broadcaster, until the source ends or ctrl-C.",
        epilog="Ends with status 0 if every sample was acknowledged, 1 if some were lost, 2 if it could not begin.",
    )
    push.add_argument("--to", metavar="URL", help="the broadcaster (ws://127.0.0.1:8765)")
    push.add_argument("--token-file", metavar="FILE", help="a file with the token to connect with")
    push.add_argument("--ca", metavar="FILE", help="authorities to believe for wss:// (PEM; the system's)")
    push.add_argument(
        "--wait", action="store_const", const=True, help="keep trying if the broadcaster is away at first"
    )
    push.add_argument("--buffer-samples", metavar="N", help="samples that may wait for the broadcaster (100000)")
    push.add_argument("--on-full", metavar="POLICY", help="drop_oldest (host, shop) or block (the others)")
    push.add_argument("--flush-s", metavar="SECONDS", help="what the last samples may take at the end (5)")
    push.add_argument("--config", metavar="FILE", help="a TOML file with settings")
    push.set_defaults(run=_push)
    sources = push.add_subparsers(dest="source", metavar="SOURCE", required=True)
    _add_live_sources(sources)
    _add_file_sources(sources)


def _add_live_sources(sources: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    about = "this machine: CPU, memory, disks, network, load, busiest processes"
    host = sources.add_parser("host", help=about, description=f"Send the metrics of {about}.")
    host.add_argument("--interval-s", metavar="SECONDS", help="between readings (1)")
    host.add_argument("--top-processes", metavar="N", help="processes to show, by CPU (5); 0: none")

    sources.add_parser(
        "lines",
        help="standard input: JSON lines, or: metric value key=value...",
        description=LINES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )

    shop = sources.add_parser("shop", help="a synthetic web shop, for something to look at")
    shop.add_argument("--seed", metavar="N", help="the same seed makes the same traffic (7)")
    shop.add_argument("--rate-hz", metavar="HZ", help="samples a second of each series (10)")


def _add_file_sources(sources: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    table = sources.add_parser(
        "csv",
        help="replay a CSV file",
        description="Replay a CSV file with a header. With columns metric and value each row is a sample; otherwise "
        "each numeric column is a metric.",
    )
    table.add_argument("--time-column", metavar="NAME", help="the column with the time (time, timestamp, ts, ...)")
    table.add_argument("--tag", metavar="NAME", action="append", help="a column that is a tag; may be repeated")
    table.add_argument("--prefix", metavar="TEXT", help="put before each metric name")
    about = "Each line is an object as in a publish message."
    jsonl = sources.add_parser("jsonl", help="replay a file of JSON lines", description=about)
    for parser in (table, jsonl):
        parser.add_argument("file", metavar="FILE")
        parser.add_argument("--speed", metavar="X", help="1 is real time (default), 0 as fast as possible")
        parser.add_argument("--loop", action="store_const", const=True, help="begin again at the end of the file")
        times = parser.add_mutually_exclusive_group()
        times.add_argument("--restamp", action="store_const", const=True, help="move the times to now (default)")
        times.add_argument(
            "--keep-times", dest="restamp", action="store_const", const=False, help="send the times as recorded"
        )


def _push(args: argparse.Namespace) -> int:
    with extra("push"):
        from ingest.push import run
        from ingest.push_config import PushSettings
        from ingest.settings import load
    flags = {name: getattr(args, name) for name in (*COMMON, *OWN[args.source])}
    settings = load("push", PushSettings, flags, args.config)
    return run(args.source, settings, getattr(args, "file", None))
