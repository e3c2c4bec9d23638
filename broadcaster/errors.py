"""Why a connection ends: every close has a code, and the code's range tells the client whether to come back."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Close:
    """A close that the server starts. `after` is the range of seconds in which a client should reconnect."""

    code: int
    reason: str
    after: tuple[float, float] = (0.0, 1.0)

    @property
    def reconnect(self) -> bool:
        return self.code < 4500


BAD_FRAME: Final = Close(1002, "not a WebSocket frame")
BAD_TEXT: Final = Close(1007, "text that is not UTF-8")
TOO_LARGE: Final = Close(1009, "message larger than limits.message_bytes")
SHUTTING_DOWN: Final = Close(4000, "shutting down")
NO_PONG: Final = Close(4001, "no pong in time")
IDLE: Final = Close(4002, "neither subscribed nor published in time")
TOO_SLOW: Final = Close(4008, "too slow")
RATE_LIMITED: Final = Close(4029, "rate limit exceeded for too long")
BAD_MESSAGES: Final = Close(4500, "too many bad messages")
TOKEN_EXPIRED: Final = Close(4501, "token expired or revoked")
FORBIDDEN: Final = Close(4503, "forbidden")

STANDARD: Final = {close.code: close for close in (BAD_FRAME, BAD_TEXT, TOO_LARGE)}
