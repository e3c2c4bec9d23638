"""A trio loop in a thread of its own, for what a test does beside the browser: Playwright's calls hold up theirs."""

import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, Self, TypeVar

import trio

from tests.e2e import wire
from tests.e2e.proxy import Proxy
from tests.e2e.wire import Message, Wire

T = TypeVar("T")
BOUND_S = 30.0


class Backstage:
    """`run` waits for its answer, `start` begins what goes on until the end."""

    def __init__(self) -> None:
        self._ready = threading.Event()
        self._thread = threading.Thread(target=trio.run, args=(self._main,), name="backstage")
        self._token: trio.lowlevel.TrioToken | None = None
        self._nursery: trio.Nursery | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(BOUND_S)
        return self

    def __exit__(self, *_: object) -> None:
        nursery = self._nursery
        assert nursery is not None
        self.call(nursery.cancel_scope.cancel)
        self._thread.join(BOUND_S)
        assert not self._thread.is_alive()

    async def _main(self) -> None:
        async with trio.open_nursery() as nursery:
            self._nursery, self._token = nursery, trio.lowlevel.current_trio_token()
            self._ready.set()
            await trio.sleep_forever()

    def call(self, function: Callable[..., T], *arguments: Any) -> T:
        """A function that does not wait."""
        return trio.from_thread.run_sync(function, *arguments, trio_token=self._token)

    def run(self, function: Callable[..., Awaitable[T]], *arguments: Any) -> T:
        async def bounded() -> T:
            with trio.fail_after(BOUND_S):
                return await function(*arguments)

        return trio.from_thread.run(bounded, trio_token=self._token)

    def start(self, function: Callable[..., Awaitable[object]], *arguments: Any) -> Any:
        """What it reports with `task_status.started()`."""
        assert self._nursery is not None
        return self.run(self._nursery.start, function, *arguments)

    def begin(self, function: Callable[..., Awaitable[object]], *arguments: Any) -> None:
        assert self._nursery is not None
        self.call(self._nursery.start_soon, function, *arguments)

    @contextmanager
    def proxy(self, port: int) -> Iterator["SteeredProxy"]:
        """A network that can go bad, in front of a port."""
        proxy = Proxy(("127.0.0.1", port))
        self.start(proxy.run)
        yield SteeredProxy(self, proxy)


class SteeredProxy:
    """`Proxy`, from another thread."""

    def __init__(self, backstage: Backstage, proxy: Proxy) -> None:
        self._backstage = backstage
        self._proxy = proxy
        self.url = f"ws://127.0.0.1:{proxy.port}"

    @property
    def accepted(self) -> int:
        return self._proxy.accepted

    @property
    def cuts(self) -> int:
        return self._proxy.cuts

    def cut(self) -> None:
        self._backstage.call(self._proxy.cut)

    def cut_after(self, count: int, direction: str) -> None:
        self._backstage.call(self._proxy.cut_after, count, direction)

    def hold(self, *directions: str) -> None:
        self._backstage.call(self._proxy.hold, *directions)

    def resume(self) -> None:
        self._backstage.call(self._proxy.resume)


class Publisher:
    """A producer over a plain socket. What it published was accepted, every sample of it, when a call returns."""

    def __init__(self, backstage: Backstage, url: str, token: str | None = None) -> None:
        self._backstage = backstage
        offered = (wire.VERSION, *([] if token is None else [f"bearer.{token}"]))
        self._wire: Wire = backstage.run(partial(wire.connect, subprotocols=offered), url)
        self._id = 0

    def publish(self, *samples: Message) -> None:
        """One message."""
        self.publish_each([list(samples)])

    def publish_each(self, messages: list[list[Message]]) -> None:
        """Many messages in one write."""
        self._backstage.run(self._publish, messages)

    def publish_one_by_one(self, messages: list[list[Message]]) -> None:
        """Each once the one before is accepted."""
        self._backstage.run(self._one_by_one, messages)

    async def _one_by_one(self, messages: list[list[Message]]) -> None:
        for samples in messages:
            await self._publish([samples])

    async def _publish(self, messages: list[list[Message]]) -> None:
        first = self._id + 1
        self._id += len(messages)
        numbered: list[Message] = [
            {"type": "publish", "id": first + index, "samples": samples} for index, samples in enumerate(messages)
        ]
        await self._wire.send_many(numbered)
        for message in numbered:
            ack = await self._wire.answer(message["id"])
            assert not ack["rejected"], ack
        self._wire.received.clear()

    def close(self) -> None:
        self._backstage.run(self._wire.aclose)
