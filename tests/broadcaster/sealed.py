"""Whether listeners and clients of a test speak TLS."""

from typing import Any


class Sealed:
    """`settings` of every broadcaster that a test makes."""

    def __init__(self) -> None:
        self.settings: dict[str, Any] = {}


sealed = Sealed()
