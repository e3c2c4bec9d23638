"""One POST to a webhook: h11 over a trio stream.

h11 comes with what serves HTTP here anyway; a client library would bring pools, proxies and redirects.
"""

import ssl
from dataclasses import dataclass
from functools import cache
from typing import Final
from urllib.parse import urlsplit

import h11
import trio

USER_AGENT: Final = b"streamgauge"
RETRY_STATUS: Final = frozenset({408, 425, 429})
INFORMATIONAL_MAX: Final = 10  # answers of 1xx before the one that counts


class WebhookError(Exception):
    """A POST that failed, in one line. `lasting`: trying again cannot help. `after_s`: when the receiver wants it."""

    def __init__(self, problem: str, *, lasting: bool = False, after_s: float | None = None) -> None:
        super().__init__(problem)
        self.lasting = lasting
        self.after_s = after_s


@dataclass(frozen=True, slots=True)
class Target:
    """Where a URL leads."""

    host: str
    port: int
    target: str
    authority: str
    secure: bool

    @classmethod
    def of(cls, url: str) -> "Target":
        parts = urlsplit(url)
        secure = parts.scheme == "https"
        port = parts.port or (443 if secure else 80)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        return cls(parts.hostname or "", port, target, parts.netloc, secure)


async def post(url: str, body: bytes, timeout_s: float, tls: ssl.SSLContext | None = None) -> int:
    """POSTs JSON over a connection of its own; returns the status, one of 2xx. `tls`: other than the system's trust.

    Raises:
        WebhookError: no connection, no answer within `timeout_s`, or another status.
    """
    try:
        with trio.fail_after(timeout_s):
            status, retry_after = await _exchange(Target.of(url), body, tls)
    except trio.TooSlowError:
        raise WebhookError(f"no answer within {timeout_s:g} s") from None
    except OSError as error:
        raise WebhookError(_words(error)) from None
    except trio.BrokenResourceError as error:
        raise WebhookError(_words(error.__cause__ or error)) from None
    except h11.RemoteProtocolError as error:
        raise WebhookError(f"no HTTP: {error}") from None
    except ValueError as error:  # as UnicodeError of a host that the resolver cannot encode
        raise WebhookError(f"not a URL to post to: {error}", lasting=True) from None
    if 200 <= status < 300:
        return status
    lasting = status < 500 and status not in RETRY_STATUS
    raise WebhookError(f"answered {status}", lasting=lasting, after_s=retry_after)


@cache
def _system_trust() -> ssl.SSLContext:
    """Made once: reading the authorities takes tens of milliseconds."""
    return ssl.create_default_context()


def _words(error: BaseException) -> str:
    if isinstance(error, ExceptionGroup):
        return _words(error.exceptions[0])
    if isinstance(error, OSError) and error.__cause__ is not None:  # trio names all addresses it tried
        return _words(error.__cause__)
    return (error.strerror if isinstance(error, OSError) else None) or str(error) or "the connection broke"


async def _exchange(target: Target, body: bytes, tls: ssl.SSLContext | None) -> tuple[int, float | None]:
    stream: trio.abc.Stream
    if target.secure:
        context = tls or await trio.to_thread.run_sync(_system_trust)
        stream = await trio.open_ssl_over_tcp_stream(
            target.host, target.port, ssl_context=context, https_compatible=True
        )
    else:
        stream = await trio.open_tcp_stream(target.host, target.port)
    try:
        connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=65_536)
        headers = [
            (b"host", target.authority.encode()),
            (b"user-agent", USER_AGENT),
            (b"content-type", b"application/json"),
            (b"content-length", b"%d" % len(body)),
            (b"connection", b"close"),
        ]
        request = h11.Request(method=b"POST", target=target.target.encode(), headers=headers)
        parts = (request, h11.Data(data=body), h11.EndOfMessage())
        await stream.send_all(b"".join(connection.send(part) or b"" for part in parts))
        response = await _response(stream, connection)
        return response.status_code, _retry_after(response)
    finally:
        await trio.aclose_forcefully(stream)


async def _response(stream: trio.abc.Stream, connection: h11.Connection) -> h11.Response:
    """The head of the answer; its body says nothing that is needed."""
    informational = 0
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            if not (data := await stream.receive_some(65_536)):
                raise OSError("closed without an answer")
            connection.receive_data(bytes(data))
        elif isinstance(event, h11.Response):
            return event
        elif (informational := informational + 1) > INFORMATIONAL_MAX:
            raise WebhookError(f"at most {INFORMATIONAL_MAX} answers of 1xx, got more")


def _retry_after(response: h11.Response) -> float | None:
    """Seconds of a Retry-After; its other form, a date, is rare and ignored."""
    text = next((value for name, value in response.headers if name == b"retry-after"), b"")
    return float(text) if text.isdigit() and len(text) <= 9 else None
