import socket
from typing import Any

import pytest
import trio

from ingest.errors import CommandError
from ingest.listening import listen, to_whom_it_reaches
from ingest.settings import Address


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_free_port(host: str) -> None:
    with listen(Address(host, 0), 1) as listener:
        assert listener.getsockname()[1] > 0


def test_a_taken_port() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = Address("127.0.0.1", taken.getsockname()[1])
        with pytest.raises(CommandError) as caught:
            listen(address, 1)
    assert str(caught.value) == f"cannot listen on {address}: Address already in use"


def test_a_host_that_cannot_be_looked_up() -> None:
    host = "ä" * 63
    with pytest.raises(CommandError, match=f"^cannot listen on {host}:1: no name of a host$"):
        listen(Address(host, 1), 1)


async def test_an_answer_to_somebody_who_hangs_up() -> None:
    sent = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        for message in ("start", "body"):
            await send(message)

    async def send(message: Any) -> None:
        await trio.lowlevel.checkpoint()
        sent.append(message)
        if message == "start":
            raise trio.BusyResourceError

    await to_whom_it_reaches(app)({}, None, send)
    assert sent == ["start", "body"]
