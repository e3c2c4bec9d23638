"""docs/limits.md names every bound that refuses somebody, and every reason that is counted."""

import importlib
import re
from pathlib import Path

import pytest

from tests.broadcaster.test_bounds import NUMBERS, ROWS

PAGE = (Path(__file__).parents[2] / "docs" / "limits.md").read_text()
FIXED = re.findall(r"(?m)^\| [^|]+ \| ([\d,]+) \| [^|]+ \| `([\w.]+)` \|$", PAGE)
ELSEWHERE = {  # bounds of memory and disk, which refuse nobody: docs/configuration.md, docs/durability.md
    *(
        "history_points",
        "history_age_s",
        "history_bytes",
        "store_1s_after_s",
        "store_10s_after_s",
        "store_1min_after_s",
        "store_age_s",
        "store_bytes",
        "store_queue_bytes",
        "watchdog_s",
    ),
}


def test_every_bound_has_its_place() -> None:
    named = set(re.findall(r"`([a-z_]+)`", PAGE))
    assert {name for name, _, _ in ROWS} - ELSEWHERE <= named
    assert named & NUMBERS <= {name for name, _, _ in ROWS}


def test_every_reason_that_is_counted_is_told() -> None:
    counted = {reason for _, _, text in ROWS for reason in re.findall(r'refused_total\{reason="(\w+)"\}', text)}
    assert len(counted) > 15
    assert not [reason for reason in counted if f"`{reason}`" not in PAGE]


@pytest.mark.parametrize(("told", "name"), FIXED)
def test_what_is_fixed_is_as_told(told: str, name: str) -> None:
    module, _, constant = name.rpartition(".")
    assert getattr(importlib.import_module(module), constant) == int(told.replace(",", ""))


def test_all_rows_of_what_is_fixed_are_read() -> None:
    section = PAGE.partition("## What is fixed")[2].partition("\n## ")[0]
    assert len(FIXED) == section.count("\n| ") - 1
