"""The Autobahn test suite against the broadcaster's framing. With Autobahn's own client beside it: tools/autobahn."""

from pathlib import Path

import pytest

from tests.autobahn import reports
from tests.autobahn.fuzzing import SECTIONS, Client, server
from tests.autobahn.reports import Verdict

SECONDS = 50.0
NO_ECHO = ("2.*", "3.*", "4.*", "5.*", "6.*", "7.*")


def failed(verdicts: list[Verdict]) -> list[Verdict]:
    return [each for each in verdicts if not each.passed]


async def test_every_case_against_an_echo(tmp_path: Path) -> None:
    async with server("echo") as url:
        await Client(at_once=8).run(url, SECTIONS, (), tmp_path, SECONDS)
    verdicts = [reports.verdict(report) for report in reports.read(tmp_path)]
    assert len(verdicts) >= 301
    assert not failed(verdicts)
    assert {each.section for each in verdicts} == {"1", "2", "3", "4", "5", "6", "7", "9", "10"}


async def test_the_cases_that_need_no_echo_against_the_stream(tmp_path: Path) -> None:
    async with server("stream") as url:
        await Client(at_once=32).run(url, NO_ECHO, (), tmp_path, SECONDS)
    found = [report for report in reports.read(tmp_path) if not reports.needs_echo(report)]
    verdicts = [reports.verdict_beside_messages(report) for report in found]
    assert len(verdicts) >= 145
    assert not failed(verdicts)


def report(**fields: object) -> dict[str, object]:
    judged = {"behavior": "FAILED", "behaviorClose": "OK", "result": "", "resultClose": "", "duration": 1}
    return {"id": "2.1", "expected": {"OK": [["pong", ""]]}, "received": [], **judged, **fields}


def test_messages_of_our_own_are_no_part_of_what_a_case_received() -> None:
    welcome, ours = ["message", '{"type":"welcome","version":1,"epoch":"...', False], ["pong", ""]
    assert reports.verdict_beside_messages(report(received=[welcome, ours])).passed
    assert not reports.verdict_beside_messages(report(received=[welcome])).passed
    assert not reports.verdict_beside_messages(report(received=[["message", "x", False], ours])).passed


@pytest.mark.parametrize("close", ["FAILED", "WRONG CODE", "UNCLEAN", "FAILED BY CLIENT"])
def test_a_close_that_is_wrong_fails_a_case(close: str) -> None:
    assert not reports.verdict(report(behavior="OK", behaviorClose=close)).passed


def test_who_does_not_agree_is_named() -> None:
    good, bad = reports.verdict(report(behavior="OK")), reports.verdict(report())
    assert reports.differences([good], [good]) == (1, [])
    assert reports.differences([good], [bad]) == (1, ["2.1: OK, close OK / FAILED, close OK"])
    assert reports.table([good, bad])[-1] == "| all | 2 | 1 | 0 | 0 | 1 |"
