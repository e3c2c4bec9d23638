"""The stream, plain and over TLS, over a pair of connected sockets with small buffers."""

import random
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

import pytest
import trio
import trio.testing

from broadcaster.certificate import Certificate
from broadcaster.frames import close_frame, text_frame
from broadcaster.stream import FrameStream
from broadcaster.transports.tls import TlsStream
from tests.broadcaster.frame_parts import payloads
from tests.papers import Papers, SealedSocket, papers

HEAD = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
LARGE = text_frame(b"x" * 300_000)


class Pair(NamedTuple):
    """A stream of the broadcaster, and the socket at the other end."""

    stream: FrameStream
    peer: socket.socket | SealedSocket


@pytest.fixture(params=["plain", "TLS"])
async def pair(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Pair]:
    ours, peer = socket.socketpair()
    with ours, peer:
        for each in (ours, peer):
            each.setblocking(False)
            each.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        if request.param == "plain":
            yield Pair(FrameStream(ours), peer)
        else:
            yield await sealed(ours, peer, papers(tmp_path))


async def sealed(ours: socket.socket, peer: socket.socket, files: Papers) -> Pair:
    """After their handshake."""
    stream = TlsStream(ours, Certificate(files.certificate, files.key))
    client = SealedSocket(peer, files.trusting())
    async with trio.open_nursery() as nursery:
        nursery.start_soon(stream.shake_hands)
        while not client.shake():
            await trio.lowlevel.wait_readable(peer)
    return Pair(stream, client)


async def some(peer: socket.socket | SealedSocket, size: int) -> bytes:
    while True:
        try:
            return peer.recv(size)
        except BlockingIOError:
            await trio.lowlevel.wait_readable(peer)


async def read(peer: socket.socket | SealedSocket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        data += await some(peer, size - len(data))
    return data


async def test_a_frame_is_written_at_once(pair: Pair) -> None:
    stream = pair.stream
    assert stream.try_send(b"frame")
    assert pair.peer.recv(100) == b"frame"
    assert not stream.busy
    await trio.aclose_forcefully(stream)


async def test_a_frame_taken_in_part_is_finished_before_anything_else(pair: Pair) -> None:
    stream, peer = pair
    assert stream.try_send(LARGE)
    assert stream.busy
    assert not stream.try_send(b"other")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(stream.send_all, text_frame(b"next"))
        assert await read(peer, len(LARGE)) == LARGE
        assert await read(peer, 6) == text_frame(b"next")
    assert not stream.busy
    await trio.aclose_forcefully(stream)


@pytest.mark.parametrize("pair", ["plain"], indirect=True)
async def test_a_full_socket_takes_nothing(pair: Pair) -> None:
    stream, peer = pair
    taken = 0
    while stream.try_send(b"x"):
        taken += 1
    assert not stream.broken and not stream.busy
    assert await read(peer, taken) == b"x" * taken
    assert stream.try_send(b"x")
    await trio.aclose_forcefully(stream)


async def test_frames_of_many_writers_never_interleave(pair: Pair) -> None:
    stream, peer = pair
    chance = random.Random(7)
    sent, received = list[bytes](), bytearray()

    async def write(number: int) -> None:
        for _ in range(20):
            payload = bytes([65 + number]) * chance.randrange(1, 20_000)
            if chance.random() < 0.5:
                await stream.send_all(text_frame(payload))
                sent.append(payload)
            elif stream.try_send(text_frame(payload)):
                sent.append(payload)
                await stream.drain()
            await trio.lowlevel.checkpoint()

    async def take() -> None:
        while True:
            received.extend(await some(peer, chance.randrange(1, 9_000)))

    async with trio.open_nursery() as outside:
        outside.start_soon(take)
        async with trio.open_nursery() as nursery:
            for number in range(4):
                nursery.start_soon(write, number)
        await trio.testing.wait_all_tasks_blocked()
        outside.cancel_scope.cancel()
    assert sorted(payloads(bytes(received))) == sorted(sent)
    await trio.aclose_forcefully(stream)


async def test_a_peer_that_is_gone_is_noticed_and_raises_nothing(pair: Pair) -> None:
    stream = pair.stream
    pair.peer.close()
    assert not stream.try_send(b"x")
    assert stream.broken
    assert not stream.try_send(b"x")
    with pytest.raises(trio.BrokenResourceError):
        await stream.send_all(b"x")
    await trio.aclose_forcefully(stream)


async def test_what_comes_behind_the_handshake_waits_until_frames_are_expected(pair: Pair) -> None:
    stream, peer = pair
    seen: list[bytes] = []
    peer.send(HEAD[:-2])
    with trio.move_on_after(0) as scope:
        await stream.hear_head()
    assert scope.cancelled_caught
    peer.send(HEAD[-2:] + b"early")
    await stream.hear_head()
    assert await stream.receive_some() == stream.head == HEAD
    with trio.move_on_after(0) as scope:
        await stream.receive_some()
    assert scope.cancelled_caught

    def reader(data: bytes) -> bytes:
        seen.append(data)
        return data[-1:]

    stream.reader = reader
    stream.opened()
    assert await stream.receive_some() == b"y"
    peer.send(b"more")
    assert await stream.receive_some() == b"e"
    assert seen == [b"early", b"more"]
    await trio.aclose_forcefully(stream)


@pytest.mark.parametrize("sent", [HEAD, b"!" * 16_385, b" ", b"\r", b"GET /\n\n"])
async def test_a_head_is_heard_when_there_is_enough_to_answer(pair: Pair, sent: bytes) -> None:
    stream, peer = pair
    piece = max(1, len(sent) // 64)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(stream.hear_head)
        for begin in range(0, len(sent), piece):
            await trio.testing.wait_all_tasks_blocked()
            assert len(nursery.child_tasks) == 1, "not before"
            peer.send(sent[begin : begin + piece])
    assert await stream.receive_some() == sent
    await trio.aclose_forcefully(stream)


async def test_a_peer_that_ends_within_its_head_is_told_of(pair: Pair) -> None:
    stream, peer = pair
    ends: list[None] = []
    stream.on_end = lambda: ends.append(None)
    peer.send(HEAD[:-1])
    peer.say_end() if isinstance(peer, SealedSocket) else peer.shutdown(socket.SHUT_WR)
    await stream.hear_head()
    assert len(ends) == 1
    assert await stream.receive_some() == b""
    await trio.aclose_forcefully(stream)


async def test_what_the_reader_takes_is_not_passed_on(pair: Pair) -> None:
    stream, peer = pair
    peer.send(HEAD)
    await stream.receive_some()
    stream.reader = lambda data: b"" if data == b"taken" else data
    stream.opened()
    async with trio.open_nursery() as nursery:

        async def receive() -> None:
            assert await stream.receive_some() == b"passed on"

        peer.send(b"taken")
        nursery.start_soon(receive)
        await trio.testing.wait_all_tasks_blocked()
        peer.send(b"passed on")
    await trio.aclose_forcefully(stream)


@pytest.mark.parametrize("opened", [False, True])
async def test_something_goes_before_a_close_frame_once_frames_are_sent(pair: Pair, opened: bool) -> None:
    stream = pair.stream
    stream.before_close = lambda code: b"bye %d;" % (code or 0)
    if opened:
        stream.opened()
    await stream.send_all(b"data;")
    await stream.send_all(close_frame(4000, ""))
    assert pair.peer.recv(100) == b"data;" + b"bye 4000;" * opened + close_frame(4000, "")
    await trio.aclose_forcefully(stream)


@pytest.mark.parametrize("closed_before", [False, True])
async def test_the_last_words_are_said_where_no_close_frame_was(
    pair: Pair, closed_before: bool, autojump_clock: trio.testing.MockClock
) -> None:
    stream = pair.stream
    stream.last_words = lambda: b"last words"
    stream.opened()
    if closed_before:
        await stream.send_all(close_frame(4000, ""))
        pair.peer.recv(100)
    await stream.aclose()
    assert pair.peer.recv(100) == b"" if closed_before else b"last words"


async def test_closing_lets_the_peer_read_what_was_written_last(
    pair: Pair, autojump_clock: trio.testing.MockClock
) -> None:
    stream, peer = pair
    ended: list[str] = []
    stream.on_end = lambda: ended.append("end")
    peer.send(HEAD + b"unread" * 100)
    await stream.receive_some()
    stream.opened()
    assert stream.try_send(b"the last frame")
    began = trio.current_time()
    await stream.aclose()
    assert peer.recv(100) == b"the last frame"
    assert trio.current_time() - began <= 2.0, "a peer that never closes is not waited for longer"
    assert ended


async def test_reading_and_closing_at_once_do_not_collide(pair: Pair, autojump_clock: trio.testing.MockClock) -> None:
    stream = pair.stream
    async with trio.open_nursery() as nursery:

        async def receive() -> None:
            with trio.move_on_after(60):
                assert await stream.receive_some() == b""

        nursery.start_soon(receive)
        await trio.testing.wait_all_tasks_blocked()
        nursery.start_soon(stream.aclose)
        await trio.testing.wait_all_tasks_blocked()
        assert pair.peer.recv(1) == b""
        pair.peer.close()
