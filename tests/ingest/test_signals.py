"""In processes of their own, which the signals end."""

import signal
import subprocess
import sys

import pytest

PROGRAM = """
import os, signal, sys, trio
import ingest.signals
if "init" in sys.argv: ingest.signals.INIT = os.getpid()

async def main():
    async with ingest.signals.until_signalled(serving="serving" in sys.argv):
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            await trio.sleep_forever()
        finally:
            with trio.CancelScope(shield=True):
                if "twice" in sys.argv:
                    os.kill(os.getpid(), signal.SIGTERM)
                    await trio.sleep(20)
    print("ended")

trio.run(main)
"""


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        ([], 0, "ended\n"),
        (["serving"], 0, "ended\n"),
        (["twice"], -signal.SIGTERM, ""),
        (["serving", "twice"], -signal.SIGTERM, ""),
        (["serving", "twice", "init"], 128 + signal.SIGTERM, ""),
    ],
)
def test_the_first_signal_cancels_and_the_second_ends(arguments: list[str], status: int, said: str) -> None:
    command = [sys.executable, "-c", PROGRAM, *arguments]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=15)
    assert (ran.returncode, ran.stdout, ran.stderr) == (status, said, "")
