import tomllib
from pathlib import Path
from typing import Any

import pytest

from broadcaster import revisions
from broadcaster.alerts import folder as module
from broadcaster.alerts.files import read_rules
from broadcaster.alerts.folder import Folder, written
from broadcaster.alerts.rules import parse_rule
from ingest.messages import MessageError

HOT: dict[str, Any] = {"metric": "cpu", "above": 90}
FULL: dict[str, Any] = {
    "metric": 'a"*',
    "tags": {"host": "web-?", "a.b": "\x7f\\"},
    "above": 0.1,
    "clear": -1e-300,
    "for": "1.5s",
    "rate": True,
    "severity": "critical",
    "message": "line\nline {value}",
    "webhook": ["http://a/secret", "http://b/secret"],
}


def refused(folder: Folder, name: str, table: dict[str, Any], expected: str | None, owner: str | None = None) -> str:
    with pytest.raises(MessageError) as caught:
        folder.put(name, table, expected, owner)
    return f"{caught.value.code}: {caught.value.message}"


@pytest.mark.parametrize("table", [HOT, FULL, {"metric": "a", "silent_for": "2s", "tags": {}}])
def test_what_is_written_is_read_as_the_same_alert(table: dict[str, Any]) -> None:
    document = tomllib.loads(written("a-b", table))
    assert parse_rule("a-b", document["a-b"]) == parse_rule("a-b", table)


def test_a_webhook_is_for_the_owners_eyes_alone(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    revision = folder.put("hot", HOT, None)
    assert (tmp_path / "hot.toml").stat().st_mode & 0o777 == 0o600
    (tmp_path / "hot.toml").chmod(0o640)
    folder.put("hot", HOT | {"above": 95}, revision)
    assert (tmp_path / "hot.toml").stat().st_mode & 0o777 == 0o640


def test_an_alert_is_made_changed_and_deleted(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    first = folder.put("hot", HOT | {"webhook": "http://a/secret"}, None)
    assert read_rules(tmp_path).revisions == {"hot": first}
    second = folder.put("hot", HOT | {"above": 95}, first)
    (rule,) = read_rules(tmp_path).all
    assert (rule.condition.above, rule.webhooks) == (95, ("http://a/secret",))  # what is not said is kept
    third = folder.put("hot", HOT | {"webhook": []}, second)
    assert read_rules(tmp_path).all[0].webhooks == ()
    folder.delete("hot", third)
    assert list(tmp_path.iterdir()) == []


def test_a_refusal_names_the_field_and_writes_nothing(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    assert refused(folder, "hot", HOT | {"for": 5}, None).startswith("bad_alert: for: expected a duration")
    assert refused(folder, "hot", {"metric": "a"}, None) == "bad_alert: expected above, below or silent_for"
    assert refused(folder, "../hot", HOT, None).startswith("bad_name: name: expected 1 to 64 of a-z")
    assert refused(folder, "Hot", HOT, None).startswith("bad_name")
    assert refused(folder, "hot", HOT, None, "x/web.toml") == "taken: name: hot is an alert of web.toml already"
    assert list(tmp_path.iterdir()) == []


def test_nobody_writes_over_what_they_have_not_seen(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    revision = folder.put("hot", HOT, None)
    assert refused(folder, "hot", HOT, None) == "changed: hot: exists already"
    assert refused(folder, "hot", HOT, "0" * 16) == "changed: hot: was changed or deleted meanwhile"
    with pytest.raises(MessageError, match="was changed"):
        folder.delete("hot", "0" * 16)
    folder.delete("hot", revision)
    with pytest.raises(MessageError, match="no such alert"):
        folder.delete("hot", revision)
    assert refused(folder, "hot", HOT, revision) == "changed: hot: was changed or deleted meanwhile"


@pytest.mark.parametrize(
    "source", ['[hot]\nmetric="a"\nabove=1\n[b]\nmetric="a"\nabove=1\n', "[hot", '[b]\nmetric="a"\n']
)
def test_a_file_that_says_more_is_left_to_whoever_wrote_it(tmp_path: Path, source: str) -> None:
    path = tmp_path / "hot.toml"
    path.write_text(source)
    revision = revisions.revision_of(source.encode())
    assert refused(Folder(tmp_path), "hot", HOT, revision).startswith("by_hand: hot.toml")
    with pytest.raises(MessageError, match="by hand"):
        Folder(tmp_path).delete("hot", revision)
    assert path.read_text() == source
    assert read_rules(tmp_path).revisions == {}


def test_comments_that_a_file_begins_with_stay(tmp_path: Path) -> None:
    path = tmp_path / "hot.toml"
    path.write_text('# whom to call\n[hot]\nmetric = "cpu"\nabove = 1\n')
    Folder(tmp_path).put("hot", HOT, read_rules(tmp_path).revisions["hot"])
    assert path.read_text() == '# whom to call\n[hot]\nmetric = "cpu"\nabove = 90\n'


def test_there_is_a_most(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FILES_MAX", 1)
    Folder(tmp_path).put("a", HOT, None)
    assert refused(Folder(tmp_path), "b", HOT, None) == "too_many: alerts: at most 1 files"


def test_a_directory_that_is_gone_is_said(tmp_path: Path) -> None:
    assert refused(Folder(tmp_path / "gone"), "a", HOT, None).startswith("cannot_write: a: No such file")
