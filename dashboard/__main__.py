import signal
import sys
from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """The command `streamgauge`; returns the exit status: 2 for what the person can put right, 130 for ctrl-C."""
    # Importing takes a moment, in which ctrl-C ends the process at once and without a traceback. `ingest.interrupts`
    # would say the same, but is among what takes that moment.
    usual = signal.signal(signal.SIGINT, signal.SIG_DFL)
    from dashboard.commands import main as run

    try:
        signal.signal(signal.SIGINT, usual)
        return run(argv)
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
