"""The answer of `/v1/series`, to readers that take it or do not; no sockets."""

from collections.abc import Iterator, Mapping
from typing import Any

import orjson
import pytest
import trio
from starlette.types import Message

from broadcaster.descriptions import PIECE_BYTES
from broadcaster.http_series import series_answer

SCOPE = {"type": "http", "method": "GET", "asgi": {"spec_version": "2.1"}}


class Told:
    """Counts the descriptors that were made."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.made = 0

    def __iter__(self) -> Iterator[Mapping[str, Any]]:
        for key in range(self.count):
            self.made += 1
            yield {"key": key, "help": "h" * 100}


class Reader:
    """Takes so many parts of an answer, and then nothing, or goes."""

    def __init__(self, parts: int = 1_000_000, *, goes: bool = False) -> None:
        self._parts = parts
        self._goes = goes
        self._gone = trio.Event()
        self.taken: list[Message] = []

    async def send(self, message: Message) -> None:
        if len(self.taken) == self._parts:
            if self._goes:
                self._gone.set()
            await trio.sleep_forever()
        self.taken.append(message)

    async def receive(self) -> Message:
        await self._gone.wait()
        return {"type": "http.disconnect"}

    @property
    def headers(self) -> dict[bytes, bytes]:
        return dict(self.taken[0]["headers"])

    @property
    def body(self) -> bytes:
        return b"".join(part["body"] for part in self.taken[1:])


@pytest.mark.parametrize("count", [0, 1, 31, 33, 400, 5_000])
async def test_it_is_one_list_of_all_of_them(count: int) -> None:
    reader = Reader()
    await series_answer(iter(Told(count)))(SCOPE, reader.receive, reader.send)
    assert [each["key"] for each in orjson.loads(reader.body)["series"]] == list(range(count))
    assert reader.headers[b"content-type"] == b"application/json"
    assert (b"content-length" in reader.headers) == (len(reader.body) < PIECE_BYTES)
    assert max(len(part["body"]) for part in reader.taken[1:]) < 1.2 * PIECE_BYTES


async def test_no_more_is_made_than_is_taken(autojump_clock: trio.abc.Clock) -> None:
    told, reader = Told(100_000), Reader(parts=4)
    with trio.move_on_after(60):
        await series_answer(iter(told))(SCOPE, reader.receive, reader.send)
    assert told.made * 100 < 5 * PIECE_BYTES


async def test_who_goes_ends_it(autojump_clock: trio.abc.Clock) -> None:
    told, reader = Told(100_000), Reader(parts=4, goes=True)
    with trio.fail_after(60):
        await series_answer(iter(told))(SCOPE, reader.receive, reader.send)
    assert told.made < 5_000
