"""What a command says on standard output, and what becomes of it if that cannot be written to."""

import os
import sys

from ingest.errors import CommandError


class OutputError(CommandError):
    """Standard output takes nothing any more: a full disk behind `>`, a reader that has gone."""

    status = 1


def say(text: str) -> None:
    """Prints a line, at once. Raises OutputError."""
    try:
        print(text, flush=True)
    except OSError as error:
        raise unwritten(error) from None


def flush() -> None:
    """Writes what somebody else printed, argparse its help. Raises OutputError."""
    try:
        sys.stdout.flush()
    except OSError as error:
        raise unwritten(error) from None


def unwritten(error: OSError) -> OutputError:
    """What to raise for it. Nothing is tried again at the exit: Python would tell of that in its own way."""
    discard()
    return OutputError(f"standard output: {error.strerror or error}")


def discard() -> None:
    """From now on, what is printed goes nowhere."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, sys.stdout.fileno())
    os.close(null)
