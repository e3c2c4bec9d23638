"""`streamgauge push` on a terminal: what a person sees while it goes on."""

import os
import re
import signal
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import trio

from tests.e2e.command import COMMAND, environment
from tests.e2e.conftest import Start
from tests.e2e.producing import until, until_seen, watching


class Terminal:
    def __init__(self, process: trio.Process, stream: trio.lowlevel.FdStream) -> None:
        self.process = process
        self._stream = stream
        self.text = ""

    async def read(self) -> None:
        try:
            while data := await self._stream.receive_some():
                self.text += re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", data.decode(errors="replace"))
        except trio.BrokenResourceError:  # as Linux says that nobody has the terminal open any more
            return

    async def type(self, text: str) -> None:
        await self._stream.send_all(text.encode())

    async def shows(self, text: str) -> None:
        await until(lambda: text in self.text)


@asynccontextmanager
async def terminal(*arguments: str) -> AsyncIterator[Terminal]:
    """The command with these arguments on a terminal of its own."""
    master, slave = os.openpty()
    settings = environment(TERM="xterm", COLUMNS="80", LINES="24")
    async with trio.lowlevel.FdStream(master) as stream:
        try:
            process = await trio.lowlevel.open_process(
                [COMMAND, *arguments], stdin=slave, stdout=subprocess.DEVNULL, stderr=slave, env=settings
            )
        finally:
            os.close(slave)
        shown = Terminal(process, stream)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(shown.read)
            try:
                yield shown
            finally:
                process.kill()
                with trio.CancelScope(shield=True):
                    await process.wait()


async def test_a_line_says_how_it_goes(start: Start) -> None:
    broadcaster = await start()
    url = broadcaster.url.removesuffix("/v1/stream")
    async with watching(broadcaster.url) as wire, terminal("push", "--to", url, "shop") as shown:
        await until_seen(wire, 1)
        await shown.shows("● connected")
        await shown.shows("samples/s")
        assert url in shown.text
        shown.process.send_signal(signal.SIGINT)
        assert await shown.process.wait() == 0
        await shown.shows("acknowledged\r\n")
    assert re.search(r"sent ([\d,]+) samples, \1 acknowledged\r\n$", shown.text)


async def test_what_is_typed_is_not_written_over(start: Start) -> None:
    broadcaster = await start()
    async with watching(broadcaster.url) as wire, terminal("push", "--to", broadcaster.url, "lines") as shown:
        await shown.shows("Type: metric value key=value... Ctrl-D ends it.")
        await shown.type("door 1 side=north\n")
        await until_seen(wire, 1)
        await shown.type("door open\n")
        await shown.shows('line 2: expected a number, got "open"')
        await shown.type("\x04")
        await shown.shows("sent 1 sample, 1 acknowledged")
        assert await shown.process.wait() == 0
    assert "connected" not in shown.text
    assert wire.rules.values("door{side=north}") == [1]
