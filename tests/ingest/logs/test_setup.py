"""In processes of their own: what is set up here is the whole process's."""

import json
import subprocess
import sys

HEAD = 'import logging; from ingest.logs.setup import set_up; set_up("info", "json")\n'


def lines(program: str, status: int = 0) -> list[dict[str, object]]:
    ran = subprocess.run([sys.executable, "-c", HEAD + program], capture_output=True, text=True, timeout=30)
    assert ran.returncode == status, ran.stderr
    return [json.loads(line) for line in ran.stderr.splitlines()]


def test_our_events_and_those_of_libraries_come_out_the_same_way() -> None:
    found = lines("""
logging.getLogger("streamgauge.broadcaster").info("ours", extra={"connection": "ab"})
logging.getLogger("streamgauge.broadcaster").debug("not this")
logging.getLogger("hypercorn.error").info("nor this")
logging.getLogger("hypercorn.error").warning("theirs %d", 7)
import warnings; warnings.warn("warned")
""")
    assert [(each["logger"], each["level"], each["event"]) for each in found[:2]] == [
        ("broadcaster", "info", "ours"),
        ("hypercorn.error", "warning", "theirs 7"),
    ]
    assert found[0]["connection"] == "ab"
    assert found[2]["logger"] == "py.warnings" and "warned" in str(found[2]["event"])
    assert len(found) == 3


def test_a_crash_is_one_line() -> None:
    (line,) = lines('raise ValueError("Bearer s3cret")', status=1)
    assert (line["level"], line["event"]) == ("critical", "ended by an unexpected error")
    assert "ValueError: Bearer ***" in str(line["exception"])


def test_the_crash_of_a_thread_is_one_line() -> None:
    (line,) = lines("import threading; t = threading.Thread(target=lambda: 1 / 0); t.start(); t.join()")
    assert line["event"] == "a thread ended by an unexpected error"
    assert "ZeroDivisionError" in str(line["exception"])


def test_the_level_changes() -> None:
    found = lines("""
from ingest.logs.setup import set_level
set_level("error")
logging.getLogger("streamgauge.x").warning("no")
logging.getLogger("hypercorn.error").warning("no")
set_level("debug")
logging.getLogger("streamgauge.x").debug("yes")
logging.getLogger("hypercorn.error").info("no")
""")
    assert [each["event"] for each in found] == ["yes"]
