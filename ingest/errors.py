from collections.abc import Iterator
from contextlib import contextmanager

from ingest.interrupts import quietly

HOUSE = ("ingest", "broadcaster", "dashboard")


class CommandError(Exception):
    """What a command cannot do, in one line: it prints `streamgauge COMMAND: message` and exits with `status`."""

    status = 2  # what the person can put right


@contextmanager
def extra(name: str) -> Iterator[None]:
    """Import what the extra `name` brings.

    Raises:
        CommandError: a module of another distribution is missing; the message says which extra to install.
    """
    try:
        with quietly():
            yield
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] in HOUSE:
            raise
        raise CommandError(f"needs the '{name}' extra: pip install 'streamgauge[{name}]'") from error
