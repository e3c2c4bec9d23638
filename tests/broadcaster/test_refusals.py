import re
from pathlib import Path

from broadcaster.refusals import Refusals

ROOT = Path(__file__).parent.parent.parent


def test_each_reason_is_counted_by_itself() -> None:
    refusals = Refusals()
    refusals.count("idle")
    refusals.count("idle")
    refusals.count("samples_rate", 40)
    assert refusals.counts == {"idle": 2, "samples_rate": 40}


def test_every_reason_is_documented() -> None:
    counted = re.compile(
        r'(?:count|refused|_refuse|_refuse_unheard)\("(\w+)"|return "(\w+)", errors\.|Refusal\(.*, "(\w+)"\)'
    )
    limits = re.compile(r'prefix \+ "(\w+)"|60, "(\w+_rate)"')
    sources = "\n".join(path.read_text() for path in (ROOT / "broadcaster").rglob("*.py"))
    found = {next(filter(None, groups)) for groups in counted.findall(sources) + limits.findall(sources)}
    assert found >= {
        "idle",
        "write_time",
        "handshake_time",
        "body_time",
        "http_requests",
        "samples_rate",
        "all_series_rate",
    }
    pages = "".join(
        (ROOT / "docs" / page).read_text() for page in ("limits.md", "security.md") if (ROOT / "docs" / page).exists()
    )
    assert not [reason for reason in sorted(found) if f"`{reason}`" not in pages]
