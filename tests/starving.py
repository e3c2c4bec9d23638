"""A process that has no descriptor left."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager

STANDARD = 3  # input, output and errors stay open


@contextmanager
def without_descriptors() -> Iterator[None]:
    """No file can be opened meanwhile, whoever asks; looking at one (`stat`) needs none."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (STANDARD, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
