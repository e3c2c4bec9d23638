from pathlib import Path

import pytest

from broadcaster.alerts.files import read_rules
from broadcaster.config import BroadcasterConfig
from broadcaster.credentials.authenticator import TokenAuthenticator
from dashboard.demo import own_token, prepared
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


def test_its_producer_has_a_token_where_one_is_wanted(tmp_path: Path) -> None:
    assert own_token(BroadcasterConfig()) is None
    (tmp_path / "secret").write_text("s" * 40)
    settings = {"token_secret": str(tmp_path / "secret"), "token_issuer": "us", "token_audience": "them"}
    config = BroadcasterConfig.model_validate(settings)
    token = own_token(config)
    assert token is not None
    grant = TokenAuthenticator(config)(token())
    assert (grant.may_publish("host.load"), grant.may_subscribe("host.load"), grant.admin) == (True, False, False)
    with pytest.raises(CommandError, match="needs token_secret"):
        own_token(BroadcasterConfig.model_validate({"token_keys": "keys"}))
