"""An alert that fires on more series than the broadcaster lists."""

from collections.abc import Callable
from pathlib import Path

import pytest

from broadcaster.alerts.listing import ACTIVE_MAX
from tests.e2e.backstage import Publisher
from tests.e2e.browsing import Server, Site, View
from tests.e2e.test_browser_alerts import BELL, until_rows, until_text
from tests.e2e.wire import sample

RULES = '[hot]\nmetric = "load"\nabove = 1\n\n[full]\nmetric = "disk"\nabove = 90\nseverity = "critical"\n'
MANY = ACTIVE_MAX + 100


@pytest.fixture
def server(serving: Callable[..., Server], tmp_path: Path) -> Server:
    (tmp_path / "rules.toml").write_text(RULES)
    return serving(alerts=tmp_path)


def publish(publisher: Publisher, load: float, first: int = 0) -> None:
    publisher.publish(*(sample("load", load, tags={"host": str(host)}) for host in range(first, MANY)))


def test_very_many_are_counted_and_some_of_them_listed(
    server: Server, publisher: Publisher, site: Site, view: View
) -> None:
    publisher.publish(sample("disk", 95.0))
    publish(publisher, 5.0)
    view.open(site.url)
    until_rows(view, 2)
    until_text(view, ".alert-row", f"and on {MANY - 1} more")
    view.page.click(BELL)
    until_text(view, ".alerts-drawer h3", f"Firing or pending {MANY + 1}")
    until_text(view, ".alerts-none", f"And on {MANY + 1 - 100} more series.")
    assert view.page.locator(".alert-item[data-state=firing]").count() == 100
    publish(publisher, 0.0, first=1)
    until_text(view, ".alerts-drawer h3", "Firing or pending 2")
    view.until("document.querySelectorAll('.alert-item[data-state=firing]').length === 2")
    assert view.page.locator(".alerts-drawer section:first-of-type .alerts-none").is_hidden()
