import re
from pathlib import Path

import pytest

from broadcaster.alerts.check import check
from broadcaster.alerts.rules import KEYS

PAGE = (Path(__file__).parents[3] / "docs" / "alerts.md").read_text()

GOOD = """
["web hot"]
metric = "host.cpu.*"
tags = { host = "web-?" }
above = 90
clear = 80
for = "1m30s"
silent_for = "2m"
severity = "critical"
webhook = "https://hooks.example/secret"
"""


def test_good_files_are_read_back(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.toml").write_text(GOOD)
    assert check(str(tmp_path)) == 0
    assert capsys.readouterr() == (
        "web hot (critical): host.cpu.*{host=web-?} above 90, clear 80, for 1.5 min, silent for 2 min; "
        "webhook https://hooks.example\n1 alert in 1 file, all good.\n",
        "",
    )


def test_every_problem_is_a_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.toml").write_text(GOOD)
    (tmp_path / "b.toml").write_text('[x]\nmetric = "a"\nabove = "1"\n[y]\n')
    assert check(str(tmp_path)) == 2
    printed = capsys.readouterr()
    assert printed.out.startswith("web hot (critical)")
    assert [line.replace(f"{tmp_path}/", "") for line in printed.err.splitlines()] == [
        'streamgauge alerts check: b.toml:3: x.above: expected a finite number, got "1"',
        'streamgauge alerts check: b.toml:4: y: expected a metric, such as metric = "host.cpu.percent"',
    ]


def test_the_page_shows_what_is_true(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    example = re.search(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    session = re.search(r"alerts check alerts\n(.*?)\$", PAGE, re.DOTALL)
    assert example and session
    (tmp_path / "web.toml").write_text(example[1])
    assert check(str(tmp_path)) == 0
    assert capsys.readouterr().out == session[1]


def test_every_key_is_on_the_page() -> None:
    rows = "".join(line.split("|")[1] for line in PAGE.splitlines() if line.startswith("| `"))
    assert not [key for key in KEYS if f"`{key}`" not in rows]
