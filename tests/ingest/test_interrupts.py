import signal
import subprocess
import sys

import pytest

from ingest.interrupts import quietly


def test_the_usual_handler_is_back_afterwards() -> None:
    usual = signal.getsignal(signal.SIGINT)
    with pytest.raises(LookupError), quietly():
        assert signal.getsignal(signal.SIGINT) is signal.SIG_DFL
        raise LookupError
    assert signal.getsignal(signal.SIGINT) is usual is signal.default_int_handler


def test_somebody_elses_handler_is_left_alone() -> None:
    usual = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with quietly():
            assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, usual)


def test_ctrl_c_meanwhile_ends_the_process_by_the_signal() -> None:
    program = (
        "import os, signal; from ingest.interrupts import quietly\nwith quietly(): os.kill(os.getpid(), signal.SIGINT)"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=20)
    assert (ran.returncode, ran.stderr) == (-signal.SIGINT, "")
