import pytest
from pydantic import ValidationError

from dashboard.config import DashboardConfig


def test_defaults_stay_on_this_machine() -> None:
    config = DashboardConfig()
    assert config.bind.is_loopback
    assert not config.insecure


@pytest.mark.parametrize(
    "settings",
    [
        {"bind": "nowhere"},
        {"broadcaster": "http://127.0.0.1:8765"},
        {"broadcaster_http": "ws://127.0.0.1:8766"},
        {"window_s": -1},
        {"window_s": "inf"},
        {"points_max": 0},
        {"title": ""},
        {"allowed_hosts": ["https://metrics.example"]},
        {"colour": "red"},
    ],
    ids=str,
)
def test_what_makes_no_sense_is_refused(settings: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        DashboardConfig.model_validate(settings)
