"""Fuzzing clients as processes, and the servers they are sent to."""

import json
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import trio

from broadcaster.config import BroadcasterConfig
from broadcaster.server import Broadcaster, serve
from tests.autobahn.echo import MIB, echo_server

SECTIONS = ("1.*", "2.*", "3.*", "4.*", "5.*", "6.*", "7.*", "9.*", "10.*")


@dataclass(frozen=True, slots=True)
class Client:
    """`kosoku`, or Autobahn's own `wstest` if `wstest` says where it is."""

    wstest: str | None = None
    at_once: int = 1

    @property
    def name(self) -> str:
        return "kosoku" if self.wstest is None else "wstest"

    async def run(self, url: str, cases: Sequence[str], without: Sequence[str], folder: Path, seconds: float) -> None:
        """Leaves its reports in the folder. Raises trio.TooSlowError; a case that fails raises nothing."""
        await trio.Path(folder).mkdir(parents=True, exist_ok=True)
        command = self._kosoku(url, cases, without, folder)
        if self.wstest is not None:
            command = [self.wstest, "-m", "fuzzingclient", "-s", self._spec(url, cases, without, folder)]
        with trio.fail_after(seconds):
            done = await trio.run_process(command, check=False, capture_stdout=True, capture_stderr=True)
        if not await trio.Path(folder / "index.json").exists():
            raise RuntimeError(f"{self.name} made no report:\n{done.stdout.decode()}{done.stderr.decode()}")

    def _kosoku(self, url: str, cases: Sequence[str], without: Sequence[str], folder: Path) -> list[str]:
        chosen = [f"--include={case}" for case in cases] + [f"--exclude={case}" for case in without]
        call = "from kosoku._cli import main; main()"
        return [sys.executable, "-c", call, url, *chosen, f"--parallelism={self.at_once}", f"--outdir={folder}"]

    def _spec(self, url: str, cases: Sequence[str], without: Sequence[str], folder: Path) -> str:
        servers = [{"agent": "streamgauge", "url": url}]
        spec = {"outdir": str(folder), "servers": servers, "cases": [*cases], "exclude-cases": [*without]}
        file = folder / "spec.json"
        file.write_text(json.dumps(spec))
        return str(file)


@asynccontextmanager
async def stream_server() -> AsyncIterator[str]:
    """The URL of a real /v1/stream that bears with any number of messages that are no JSON."""
    settings = {"bind": "127.0.0.1:0", "http_bind": "127.0.0.1:0", "telemetry_interval_s": 0, "drain_s": 1.0}
    config = BroadcasterConfig.model_validate({**settings, "bad_messages_max": 0, "message_bytes": 16 * MIB})
    async with trio.open_nursery() as nursery:
        broadcaster: Broadcaster = await nursery.start(lambda task_status: serve(config, task_status=task_status))
        yield broadcaster.url
        nursery.cancel_scope.cancel()


def server(which: str) -> AbstractAsyncContextManager[str]:
    return echo_server() if which == "echo" else stream_server()
