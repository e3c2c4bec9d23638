"""What the HTTP server uses of Hypercorn beyond what that documents: if this fails, see what moved there."""

import inspect
from typing import Any

import pytest
from hypercorn.config import Config
from hypercorn.trio.tcp_server import TCPServer
from hypercorn.trio.worker_context import WorkerContext
from hypercorn.typing import ConnectionState
from hypercorn.utils import wrap_app

MOVED = "Hypercorn changed what broadcaster/http_server.py relies on: "


@pytest.mark.parametrize(
    ("called", "parameters"),
    [
        (TCPServer, ["app", "config", "context", "state", "stream"]),
        (WorkerContext, ["max_requests"]),
        (wrap_app, ["app", "wsgi_max_body_size", "mode"]),
    ],
)
def test_what_is_called_takes_what_it_is_given(called: Any, parameters: list[str]) -> None:
    assert [*inspect.signature(called).parameters] == parameters, MOVED + called.__name__


@pytest.mark.parametrize(
    "name",
    [
        *("errorlog", "include_server_header", "keep_alive_timeout", "read_timeout", "ssl_handshake_timeout"),
        "h2_max_concurrent_streams",
    ],
)
def test_the_settings_are_there(name: str) -> None:
    assert hasattr(Config(), name), MOVED + f"Config.{name}, which would now be set without effect"


def test_a_connection_state_is_made_from_a_mapping() -> None:
    assert ConnectionState({}) == {}, MOVED + "ConnectionState"


async def test_a_server_is_awaited_and_ends_by_an_event_of_its_context() -> None:
    assert hasattr(TCPServer, "__await__"), MOVED + "TCPServer is not awaitable"
    terminated = WorkerContext(None).terminated
    await terminated.set()
    assert terminated.is_set(), MOVED + "WorkerContext.terminated"


@pytest.mark.parametrize("name", ["_read_data", "protocol_send"])
def test_what_is_overridden_is_there(name: str) -> None:
    assert inspect.iscoroutinefunction(getattr(TCPServer, name, None)), MOVED + f"TCPServer.{name}"
