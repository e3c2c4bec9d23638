"""Send a fuzzing client of the Autobahn test suite to the broadcaster's framing, and judge.

python -m tests.autobahn                                kosoku, all cases, against both servers
python -m tests.autobahn --cases 5.* 7.* --against echo
python -m tests.autobahn --wstest PATH                  Autobahn's own client beside it (tools/autobahn installs it)

Against `echo`, the framing of /v1/stream under a session that says back what it hears, every case is judged as the
client does. Against `stream`, the real /v1/stream, those that need no echo are judged, beside the messages of its own
protocol. Where two clients judge differently is listed. The exit status is 1 if a case failed.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import trio

from tests.autobahn import reports
from tests.autobahn.fuzzing import SECTIONS, Client, server
from tests.autobahn.reports import Verdict


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        prog="python -m tests.autobahn", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("--against", nargs="+", choices=("echo", "stream"), default=("echo", "stream"))
    made.add_argument("--cases", nargs="+", default=SECTIONS, help="ids or globs (all of sections 1-7, 9 and 10)")
    made.add_argument("--without", nargs="+", default=(), help="ids or globs to leave out")
    made.add_argument("--wstest", help="Autobahn's own client, to run as well")
    made.add_argument("--at-once", type=int, default=8, help="cases that kosoku runs at once (8)")
    made.add_argument("--seconds", type=float, default=600.0, help="the most that one run may take (600)")
    made.add_argument("--out", type=Path, help="keep the reports here")
    return made


async def judge(client: Client, against: str, given: argparse.Namespace, folder: Path) -> list[Verdict]:
    """The verdicts of one run."""
    async with server(against) as url:
        await client.run(url, given.cases, given.without, folder, given.seconds)
    found = reports.read(folder)
    if against == "echo":
        return [reports.verdict(report) for report in found]
    return [reports.verdict_beside_messages(report) for report in found if not reports.needs_echo(report)]


def show(title: str, verdicts: Sequence[Verdict], seconds: float) -> None:
    print(f"\n{title}: {len(verdicts)} cases in {seconds:.0f} s\n")
    print("\n".join(reports.table(verdicts)))
    for each in verdicts:
        if each.outcome != "OK":
            print(f"  {each.case}: {each.behavior}, close {each.close}: {each.why}")


def compare(against: str, runs: Sequence[list[Verdict]]) -> None:
    count, differing = reports.differences(*runs)
    print(f"\nkosoku and wstest against {against}: {count} cases in both, {len(differing)} judged differently")
    print("".join(f"  {line}\n" for line in differing), end="", flush=True)


def run(given: argparse.Namespace, out: Path) -> bool:
    """True if all passed."""
    clients = [Client(at_once=given.at_once)] + ([Client(given.wstest)] if given.wstest else [])
    good = True
    for against in given.against:
        runs = []
        for client in clients:
            began = time.monotonic()
            runs.append(trio.run(partial(judge, client, against, given, out / f"{client.name}-{against}")))
            show(f"{client.name} against {against}", runs[-1], time.monotonic() - began)
            good &= bool(runs[-1]) and all(each.passed for each in runs[-1])
        if len(runs) == 2:
            compare(against, runs)
    return good


def main(argv: Sequence[str] | None = None) -> int:
    given = parser().parse_args(argv)
    with tempfile.TemporaryDirectory() as temporary:
        return 0 if run(given, given.out or Path(temporary)) else 1


if __name__ == "__main__":
    sys.exit(main())
