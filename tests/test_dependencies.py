"""What is installed is what docs/dependencies.md accounts for."""

import re
import tomllib
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
PAGE = (ROOT / "docs" / "dependencies.md").read_text()
FREE = re.compile(r"MIT|BSD|Apache|PSF|MPL|ISC|Python Software Foundation|Unlicense|Zlib|HPND", re.IGNORECASE)
COPYLEFT = re.compile(r"\b(?:A?GPL|GNU (?:Affero )?General Public)", re.IGNORECASE)


def names(requirements: list[str]) -> set[str]:
    found = {match[0].lower() for each in requirements if (match := re.match(r"[A-Za-z0-9._-]+", each))}
    return found - {"streamgauge"}


def pinned(constraints: str) -> set[str]:
    return set(re.findall(r"^([a-z0-9._-]+)==", (ROOT / constraints).read_text(), re.MULTILINE))


def licence(name: str) -> str | None:
    """A package's own statement; None: it is not for this platform."""
    try:
        about = metadata(name).json
    except PackageNotFoundError:
        return None
    classifiers = [each for each in about.get("classifier", []) if each.startswith("License ::")]
    return " ".join([str(about.get("license_expression", "")), str(about.get("license", ""))[:200], *classifiers])


def test_each_package_we_ask_for_is_accounted_for() -> None:
    extras = PROJECT["optional-dependencies"].values()
    asked = names(PROJECT["dependencies"]).union(*map(names, extras))
    page = PAGE.lower()
    assert {name for name in asked if not re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", page)} == set()


def test_a_producer_installs_three_packages() -> None:
    assert names(PROJECT["dependencies"]) == {"trio", "trio-websocket", "orjson"}


def test_no_licence_forbids_any_use() -> None:
    stated = {name: text for name in sorted(pinned("constraints-runtime.txt")) if (text := licence(name)) is not None}
    assert len(stated) > 40
    assert {name: text for name, text in stated.items() if not FREE.search(text) or COPYLEFT.search(text)} == {}


def test_what_runs_is_part_of_what_is_tested() -> None:
    assert pinned("constraints-runtime.txt") <= pinned("constraints.txt")
