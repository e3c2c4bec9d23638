"""A network that goes bad: a namespace with rules of iptables and tc (needs root), and a slow link that needs nothing.

`netem` is not in every kernel; these are: DROP, REJECT, the statistic match, and the token bucket filter.
"""

import itertools
import os
import random
import shutil
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial

import trio

TOOLS = ("ip", "iptables", "tc")
_numbers = itertools.count()


def missing() -> str | None:
    """Why there can be no network of its own, if so."""
    if os.geteuid() != 0:
        return "needs root"
    absent = [tool for tool in TOOLS if shutil.which(tool) is None]
    return f"needs {', '.join(absent)}" if absent else None


def _do(*command: str) -> None:
    ran = subprocess.run(command, capture_output=True, text=True, timeout=20)
    if ran.returncode:
        raise RuntimeError(f"{' '.join(command)}: {ran.stderr.strip()}")


class Network:
    """A namespace with one link to it. What runs in it is reached at `address`."""

    def __init__(self) -> None:
        number = next(_numbers)
        tag = f"{os.getpid() % 100_000}x{number}"
        self.name = f"sgf{tag}"
        self._outer, self._inner = f"sa{tag}", f"sb{tag}"
        subnet = f"10.{64 + os.getpid() % 64}.{number % 256}"
        self._here, self.address = f"{subnet}.1", f"{subnet}.2"
        self._narrow = False

    @property
    def prefix(self) -> list[str]:
        """What to put before a command, to run it there. The process is the command's own."""
        return ["ip", "netns", "exec", self.name]

    def _inside(self, *command: str) -> None:
        _do(*self.prefix, *command)

    def create(self) -> None:
        _do("ip", "netns", "add", self.name)
        _do("ip", "link", "add", self._outer, "type", "veth", "peer", "name", self._inner)
        _do("ip", "link", "set", self._inner, "netns", self.name)
        _do("ip", "addr", "add", f"{self._here}/24", "dev", self._outer)
        _do("ip", "link", "set", self._outer, "up")
        self._inside("ip", "addr", "add", f"{self.address}/24", "dev", self._inner)
        self._inside("ip", "link", "set", self._inner, "up")
        self._inside("ip", "link", "set", "lo", "up")

    def remove(self) -> None:
        subprocess.run(["ip", "link", "del", self._outer], capture_output=True)
        _do("ip", "netns", "del", self.name)

    def _rule(self, *words: str) -> None:
        for chain in ("INPUT", "OUTPUT"):
            self._inside("iptables", "-w", "-A", chain, "-p", "tcp", *words)

    def cut(self) -> None:
        """Nothing passes, and nobody is told."""
        self._rule("-j", "DROP")

    def sever(self) -> None:
        """The same between inside and outside; those inside still reach each other."""
        for chain, way in (("INPUT", "-i"), ("OUTPUT", "-o")):
            self._inside("iptables", "-w", "-A", chain, way, self._inner, "-p", "tcp", "-j", "DROP")

    def vanish(self, port: int) -> None:
        """The peer with this port of its own is gone, for ever, and nobody is told."""
        for chain, word in (("INPUT", "--sport"), ("OUTPUT", "--dport")):
            self._inside("iptables", "-w", "-A", chain, "-p", "tcp", word, str(port), "-j", "DROP")

    def reset(self) -> None:
        """Whoever sends is answered with a reset."""
        self._rule("-j", "REJECT", "--reject-with", "tcp-reset")

    def lose(self, share: float) -> None:
        self._rule("-m", "statistic", "--mode", "random", "--probability", str(share), "-j", "DROP")

    def narrow(self, kbit: int) -> None:
        """Both directions, each so many kbit/s."""
        bucket = ("root", "tbf", "rate", f"{kbit}kbit", "burst", "1600", "latency", "400ms")
        self._inside("tc", "qdisc", "add", "dev", self._inner, *bucket)
        _do("tc", "qdisc", "add", "dev", self._outer, *bucket)
        self._narrow = True

    def heal(self) -> None:
        self._inside("iptables", "-w", "-F")
        if self._narrow:
            self._inside("tc", "qdisc", "del", "dev", self._inner, "root")
            _do("tc", "qdisc", "del", "dev", self._outer, "root")
            self._narrow = False


@contextmanager
def network() -> Iterator[Network]:
    made = Network()
    try:
        made.create()
        yield made
    finally:
        made.remove()


@asynccontextmanager
async def slow_link(to: tuple[str, int], delay_s: float, jitter_s: float, dice: random.Random) -> AsyncIterator[int]:
    """A port whose connections lead there, everything late by `delay_s` ± `jitter_s`, in order."""
    async with trio.open_nursery() as nursery:
        listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
        handle = partial(_slowly, to, lambda: delay_s + dice.uniform(-jitter_s, jitter_s))
        nursery.start_soon(trio.serve_listeners, handle, listeners)
        yield listeners[0].socket.getsockname()[1]
        nursery.cancel_scope.cancel()


async def _slowly(to: tuple[str, int], delay: Callable[[], float], client: trio.SocketStream) -> None:
    try:
        server = await trio.open_tcp_stream(*to)
    except OSError:
        await trio.aclose_forcefully(client)
        return
    async with server, trio.open_nursery() as nursery:
        for source, sink in ((client, server), (server, client)):
            into, out = trio.open_memory_channel[tuple[float, bytes]](1000)
            nursery.start_soon(_read, source, into, delay)
            nursery.start_soon(_write, sink, out, nursery.cancel_scope)


async def _read(
    source: trio.SocketStream, into: "trio.MemorySendChannel[tuple[float, bytes]]", delay: Callable[[], float]
) -> None:
    async with into:
        try:
            while data := await source.receive_some(2**16):
                await into.send((trio.current_time() + delay(), bytes(data)))
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            return  # as an end


async def _write(
    sink: trio.SocketStream, out: "trio.MemoryReceiveChannel[tuple[float, bytes]]", scope: trio.CancelScope
) -> None:
    async for due, data in out:
        await trio.sleep_until(due)
        try:
            await sink.send_all(data)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            break
    scope.cancel()
