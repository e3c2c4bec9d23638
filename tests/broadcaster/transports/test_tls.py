"""What only TLS has: handshakes that fail, ciphertext that waits, ends that nobody announced."""

import socket
import ssl
import struct
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
import trio
import trio.testing

from broadcaster.certificate import Certificate
from broadcaster.transports.tls import NOT_TLS, PIECE_BYTES, TlsPipe
from broadcaster.turnstile import AT_ONCE, Turnstile
from tests.broadcaster.raw_client import RawClient
from tests.broadcaster.transports.test_websocket import service
from tests.papers import Papers, SealedSocket, papers

HELLO = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(506)


@asynccontextmanager
async def connected(
    files: Papers, *, buffer: int = 0, certificate: Certificate | None = None
) -> AsyncIterator[tuple[TlsPipe, SealedSocket]]:
    """Over loopback, after the handshake. `buffer`: bytes that the sockets hold; 0: as the kernel likes."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.socket()
        if buffer:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        client.connect(listener.getsockname())
        ours, _ = listener.accept()
    with ours, client:
        for each in (ours, client):
            each.setblocking(False)
        if buffer:
            ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, buffer)
        pipe = TlsPipe(ours, certificate or Certificate(files.certificate, files.key))
        peer = SealedSocket(client, files.trusting())
        async with trio.open_nursery() as nursery:
            nursery.start_soon(pipe.shake_hands)
            while not peer.shake():
                await trio.lowlevel.wait_readable(client)
        yield pipe, peer
        await trio.aclose_forcefully(pipe)


async def receive(peer: SealedSocket, size: int, at_once: int = 65_536) -> bytes:
    data = b""
    while len(data) < size:
        try:
            data += peer.recv(min(at_once, size - len(data)))
        except BlockingIOError:
            await trio.lowlevel.wait_readable(peer.sock)
    return data


@pytest.mark.parametrize("size", [1, 16_384, 16_385, PIECE_BYTES - 1, PIECE_BYTES, PIECE_BYTES + 1, 3_000_000])
async def test_a_frame_of_any_size_arrives_whole(size: int, tmp_path: Path) -> None:
    data = bytes(range(256)) * (size // 256 + 1)
    async with connected(papers(tmp_path)) as (pipe, peer), trio.open_nursery() as nursery:
        nursery.start_soon(pipe.send_all, data[:size])
        assert await receive(peer, size) == data[:size]


async def test_a_slow_reader_costs_one_piece_of_ciphertext(tmp_path: Path) -> None:
    data = bytes(5 * PIECE_BYTES)
    async with connected(papers(tmp_path), buffer=4096) as (pipe, peer):
        left = pipe.send(data)
        assert left is not None and len(left) == 4 * PIECE_BYTES
        async with trio.open_nursery() as nursery:
            nursery.start_soon(pipe.send_all, left)
            assert await receive(peer, len(data), at_once=7_000) == data


async def test_ciphertext_that_waits_goes_out_alone(tmp_path: Path) -> None:
    async with connected(papers(tmp_path), buffer=4096) as (pipe, peer):
        left = pipe.send(bytes(PIECE_BYTES))
        assert left is not None and not left
        async with trio.open_nursery() as nursery:
            nursery.start_soon(pipe.send_all, left)
            assert await receive(peer, PIECE_BYTES) == bytes(PIECE_BYTES)
        assert pipe.send(b"next") is None
        assert await receive(peer, 4) == b"next"


async def test_many_connections_share_what_openssl_writes_to(tmp_path: Path) -> None:
    files = papers(tmp_path)
    shared = Certificate(files.certificate, files.key)
    connection, another = connected(files, buffer=4096, certificate=shared), connected(files, certificate=shared)
    async with connection as (one, first), another as (other, second):
        left = one.send(bytes(PIECE_BYTES))
        assert left is not None
        assert other.send(b"other") is None
        assert await receive(second, 5) == b"other"
        async with trio.open_nursery() as nursery:
            nursery.start_soon(one.send_all, left)
            assert await receive(first, PIECE_BYTES) == bytes(PIECE_BYTES)


async def test_both_ways_at_once(tmp_path: Path) -> None:
    up, down = b"up" * 500_000, b"down" * 500_000
    async with connected(papers(tmp_path), buffer=4096) as (pipe, peer), trio.open_nursery() as nursery:

        async def say() -> None:
            for at in range(0, len(up), 1_000):
                ciphertext = peer.encrypt(up[at : at + 1_000])
                while ciphertext:
                    await trio.lowlevel.wait_writable(peer.sock)
                    ciphertext = ciphertext[peer.sock.send(ciphertext) :]

        async def hear() -> None:
            assert await receive(peer, len(down)) == down

        nursery.start_soon(say)
        nursery.start_soon(hear)
        nursery.start_soon(pipe.send_all, down)
        got = b""
        while len(got) < len(up):
            got += await pipe.receive_some(1_500)
        assert got == up


async def test_it_gives_no_more_than_was_asked_for(tmp_path: Path) -> None:
    async with connected(papers(tmp_path)) as (pipe, peer):
        peer.send(b"abcdef")
        assert [await pipe.receive_some(4), await pipe.receive_some(4)] == [b"abcd", b"ef"]


@pytest.mark.parametrize("announced", [True, False])
async def test_an_end_is_an_end_announced_or_not(announced: bool, tmp_path: Path) -> None:
    async with connected(papers(tmp_path)) as (pipe, peer):
        peer.send(b"last")
        if announced:
            peer.say_end()
        peer.sock.shutdown(socket.SHUT_WR)
        assert [await pipe.receive_some(), await pipe.receive_some()] == [b"last", b""]


async def test_half_a_record_is_no_data(tmp_path: Path) -> None:
    async with connected(papers(tmp_path)) as (pipe, peer):
        record = peer.encrypt(b"whole")
        peer.sock.send(record[:-1])
        with trio.move_on_after(0.05) as waited:
            await pipe.receive_some()
        assert waited.cancelled_caught
        peer.sock.send(record[-1:])
        assert await pipe.receive_some() == b"whole"


async def test_a_forged_record_breaks_the_connection_and_no_other(tmp_path: Path) -> None:
    files = papers(tmp_path)
    shared = Certificate(files.certificate, files.key)
    connection, another = connected(files, certificate=shared), connected(files, certificate=shared)
    async with connection as (pipe, peer), another as (other, second):
        record = peer.encrypt(b"whole")
        peer.sock.send(record[:-1] + bytes([record[-1] ^ 1]))
        with pytest.raises(trio.BrokenResourceError, match="TLS"):
            await pipe.receive_some()
        with pytest.raises(trio.BrokenResourceError):
            await pipe.send_all(b"more")
        assert other.send(b"fine") is None
        assert await receive(second, 4) == b"fine"


async def test_a_peer_that_is_gone_is_noticed(tmp_path: Path) -> None:
    async with connected(papers(tmp_path)) as (pipe, peer):
        peer.close()
        with pytest.raises(trio.BrokenResourceError):
            while True:
                await pipe.send_all(b"x")


async def test_a_record_that_is_cut_off_is_followed_by_nothing(tmp_path: Path) -> None:
    async with connected(papers(tmp_path), buffer=4096) as (pipe, peer):
        with trio.move_on_after(0.02) as waited:
            await pipe.send_all(bytes(1_000_000))
        assert waited.cancelled_caught
        with pytest.raises(trio.BrokenResourceError):
            await pipe.send_all(b"more")
        pipe.say_end()
        got = 0
        with suppress(BlockingIOError):
            while True:
                got += len(peer.recv(65_536))
        assert got < 1_000_000


# At the listener.


@asynccontextmanager
async def client(port: int) -> AsyncIterator[trio.socket.SocketType]:
    with trio.socket.socket() as sock:
        await sock.connect(("127.0.0.1", port))
        yield sock


async def everything(sock: trio.socket.SocketType) -> bytes:
    data = b""
    with trio.fail_after(10):
        while part := await sock.recv(4096):
            data += part
    return data


@pytest.fixture
def quiet(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Nobody who speaks it wrong is worth a line in the log, and still less a traceback."""
    yield
    assert not [record for record in caplog.records if record.levelname in ("WARNING", "ERROR")]


@pytest.mark.usefixtures("quiet")
async def test_who_speaks_no_tls_is_told_so(tmp_path: Path) -> None:
    async with service(**papers(tmp_path).settings) as mine, client(mine.port) as sock:
        await sock.send(b"GET /v1/stream HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert await everything(sock) == NOT_TLS


@pytest.mark.usefixtures("quiet")
@pytest.mark.parametrize("data", [b"\x16\x03\x01\x00\x05hello", b"\x00" * 100, b"SSH-2.0-x\r\n"])
async def test_nonsense_is_ended(data: bytes, tmp_path: Path) -> None:
    async with service(**papers(tmp_path).settings) as mine, client(mine.port) as sock:
        await sock.send(data)
        assert b"HTTP" not in await everything(sock)


@pytest.mark.usefixtures("quiet")
async def test_a_client_that_speaks_tls_to_a_plain_port_is_ended(tmp_path: Path) -> None:
    async with service(handshake_s=1.0) as mine, client(mine.port) as sock:
        await sock.send(HELLO)
        assert not (await everything(sock)).startswith(b"HTTP/1.1 101")


@pytest.mark.usefixtures("quiet")
async def test_the_handshake_has_a_deadline(tmp_path: Path) -> None:
    async with service(handshake_s=0.1, **papers(tmp_path).settings) as mine, client(mine.port) as sock:
        await sock.send(HELLO[:20])
        with trio.fail_after(5):
            assert await sock.recv(10) == b""


@pytest.mark.usefixtures("quiet")
async def test_resets_at_any_moment_of_the_handshake(tmp_path: Path) -> None:
    files = papers(tmp_path)
    async with service(**files.settings) as mine:
        for size in [*range(0, 600, 50), 10_000]:
            with socket.create_connection(("127.0.0.1", mine.port)) as sock:
                peer = SealedSocket(sock, files.trusting())
                with suppress(ssl.SSLWantReadError):
                    peer.tls.do_handshake()
                sock.sendall(peer.take()[:size])
                if size % 100:
                    await trio.sleep(0.002)
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        await trio.sleep(0.05)
        async with client(mine.port) as sock:
            await sock.send(b"GET / HTTP/1.1\r\n\r\n")
            assert await everything(sock) == NOT_TLS


@pytest.mark.usefixtures("quiet")
async def test_who_gives_up_in_the_handshake_costs_nobody_else_anything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = papers(tmp_path)
    async with service(**files.settings) as mine:
        async with client(mine.port) as sock:
            await sock.send(HELLO[:20])
        monkeypatch.setattr(RawClient, "sealing", ssl.create_default_context())
        with pytest.raises(ssl.SSLCertVerificationError):
            await RawClient.connect(mine.port)
        monkeypatch.setattr(RawClient, "sealing", files.trusting())
        other = await RawClient.connect(mine.port)
        with other.sock:
            assert (await other.open()).startswith("HTTP/1.1 101 ")


async def test_a_handshake_waits_for_its_turn(tmp_path: Path) -> None:
    files, coming, done = papers(tmp_path), Turnstile(), trio.Event()
    for _ in range(AT_ONCE):
        await coming.passed()
    ours, client = socket.socketpair()
    with ours, client:
        for each in (ours, client):
            each.setblocking(False)
        pipe, peer = TlsPipe(ours, Certificate(files.certificate, files.key)), SealedSocket(client, files.trusting())

        async def shake() -> None:
            await pipe.shake_hands(coming)
            done.set()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(shake)
            assert not peer.shake()
            await trio.testing.wait_all_tasks_blocked()
            with pytest.raises(BlockingIOError):
                client.recv(1, socket.MSG_PEEK)
            nursery.start_soon(coming.run)
            with trio.fail_after(10):
                while not peer.shake():
                    await trio.lowlevel.wait_readable(client)
                await done.wait()
            nursery.cancel_scope.cancel()
