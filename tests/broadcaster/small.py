"""Bounds so small that a few samples reach them."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

BOUNDS = {"broadcaster.ring.CHUNK": 4, "broadcaster.audience.MERGED_BYTES": 400}


@contextmanager
def small_bounds() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name, bound in BOUNDS.items():
            patch.setattr(name, bound)
        yield
