from pathlib import Path

import pytest

from broadcaster.alerts import heard
from ingest.samples import Series

SERIES = Series("host.load", (("host", "ä"), ("window", "1m")))


def test_what_was_heard_is_known_again(tmp_path: Path) -> None:
    path = tmp_path / heard.FILE
    assert heard.read(path) == []
    heard.write(path, [(SERIES, "gauge"), (Series("deploys"), "event")])
    assert heard.read(path) == [(SERIES, "gauge"), (Series("deploys"), "event")]


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"series": [1]}', '{"series": [{"metric": "1", "tags": {}, "kind": null}]}']
)
def test_a_file_that_is_none_says_nothing(tmp_path: Path, text: str) -> None:
    path = tmp_path / heard.FILE
    path.write_text(text)
    assert heard.read(path) == []
