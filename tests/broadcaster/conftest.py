from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.broadcaster.raw_client import RawClient
from tests.broadcaster.sealed import sealed
from tests.broadcaster.small import small_bounds
from tests.papers import papers


@pytest.fixture(params=["plain", "TLS"])
def either_way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The test runs twice: with plain sockets, and all over TLS."""
    if request.param == "TLS":
        files = papers(tmp_path)
        monkeypatch.setattr(sealed, "settings", files.settings)
        monkeypatch.setattr(RawClient, "sealing", files.trusting())


@pytest.fixture(scope="module", autouse=True)
def small() -> Iterator[None]:
    """Rings of a few samples have several chunks, too; and not many wait for their time."""
    with small_bounds():
        yield
