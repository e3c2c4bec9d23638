from pathlib import Path

import pytest

from broadcaster.alerts.files import read_rules
from dashboard.demo import prepared
from dashboard.shelf import Shelf
from ingest.errors import CommandError


def test_the_examples_are_copied_once(tmp_path: Path) -> None:
    state = tmp_path / "a" / "demo"
    assert prepared(state, tmp_path / "fallback") == state
    saved, problems = Shelf(state / "dashboards").everything()
    assert len(saved) >= 3
    assert not problems
    assert {"latency", "errors"} <= {rule.name for rule in read_rules(state / "alerts").all}
    (state / "dashboards" / "host.toml").unlink()
    (state / "alerts" / "shop.toml").write_text("# mine\n")
    prepared(state, tmp_path / "fallback")
    assert not (state / "dashboards" / "host.toml").exists()
    assert (state / "alerts" / "shop.toml").read_text() == "# mine\n"
    assert not (tmp_path / "fallback").exists()


def test_where_nothing_can_be_kept_it_is_for_this_once(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    fallback = tmp_path / "fallback"
    assert prepared(tmp_path / "file" / "demo", fallback) == fallback
    assert (fallback / "alerts" / "shop.toml").exists()
    assert prepared(None, fallback) == fallback
    with pytest.raises(CommandError, match="cannot be made"):
        prepared(tmp_path / "file" / "demo", tmp_path / "file" / "fallback")
