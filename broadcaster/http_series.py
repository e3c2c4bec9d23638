"""The answer of `/v1/series`, in pieces that are made one by one as they are taken.

There may be very many series, and readers that take nothing: each has a piece or two, and the list of its series.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from starlette.responses import Response, StreamingResponse

from broadcaster.descriptions import piece

MEDIA_TYPE = "application/json"


def series_answer(descriptors: Iterator[Mapping[str, Any]]) -> Response:
    """What is one piece is sent with its length."""
    first, second = piece(descriptors), piece(descriptors)
    if not second:
        return Response(b'{"series":[%b]}' % first, media_type=MEDIA_TYPE)
    return StreamingResponse(Pieces(_pieces(first, second, descriptors)), media_type=MEDIA_TYPE)


class Pieces:
    """No asynchronous generator, which somebody would have to close when the client has gone."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces

    def __aiter__(self) -> "Pieces":
        return self

    async def __anext__(self) -> bytes:
        for one in self._pieces:
            return one
        raise StopAsyncIteration


def _pieces(first: bytes, second: bytes, rest: Iterator[Mapping[str, Any]]) -> Iterator[bytes]:
    yield b'{"series":[%b' % first
    while second:
        yield b",%b" % second
        second = piece(rest)
    yield b"]}"
