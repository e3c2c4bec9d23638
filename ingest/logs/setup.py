"""Where a server's log goes, and how it looks: everything that this process logs, its libraries included."""

import atexit
import logging
import sys
import threading
from types import TracebackType
from typing import Final

from ingest.logs.lines import formatter
from ingest.logs.output import Output

STDERR: Final = 2

log = logging.getLogger("streamgauge.log")


def set_up(level: str, form: str, number: int = STDERR) -> Output:
    """To be called once a process, before it serves. Lines go to the descriptor; the rest is written at exit.

    Args:
        level: debug, info, warning or error; libraries are heard from warning on.
        form: logfmt or json.
    """
    output = Output(number)
    output.setFormatter(formatter(form))
    logging.getLogger().handlers[:] = [output]
    set_level(level)
    logging.captureWarnings(True)
    sys.excepthook = _crashed
    threading.excepthook = _thread_crashed
    sys.unraisablehook = _unraisable
    atexit.register(output.close)
    return output


def set_level(level: str) -> None:
    number: int = logging.getLevelNamesMapping()[level.upper()]
    logging.getLogger("streamgauge").setLevel(number)
    logging.getLogger().setLevel(max(number, logging.WARNING))


def set_form(form: str) -> None:
    """Of the lines from now on."""
    for handler in logging.getLogger().handlers:
        if isinstance(handler, Output):
            handler.setFormatter(formatter(form))


def _crashed(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if not issubclass(kind, KeyboardInterrupt):
        log.critical("ended by an unexpected error", exc_info=(kind, error, trace))


def _thread_crashed(args: threading.ExceptHookArgs) -> None:
    if args.exc_value is not None:
        name = args.thread.name if args.thread else None
        error = (args.exc_type, args.exc_value, args.exc_traceback)
        log.critical("a thread ended by an unexpected error", extra={"thread_name": name}, exc_info=error)


def _unraisable(args: "sys.UnraisableHookArgs") -> None:
    error = args.exc_value
    if error is not None:
        log.error("an error that could not be raised", exc_info=(args.exc_type, error, args.exc_traceback))
