"""The documentation and the pins say what is true."""

import ast
import importlib
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from ingest.settings import SECTIONS

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
LINK = re.compile(r"\]\(([^)\s]+)\)")


def sections() -> dict[str, type[BaseModel]]:
    """The model of each section, from the places that call `load`, so that none can be forgotten here."""
    found: dict[str, type[BaseModel]] = {}
    for path in (path for package in ("ingest", "broadcaster", "dashboard") for path in (ROOT / package).rglob("*.py")):
        tree = ast.parse(path.read_text())
        origins = {
            alias.name: node.module
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom)
            for alias in node.names
        }
        here = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for section, name in calls_of_load(tree):
            found[section] = getattr(importlib.import_module(origins.get(name) or here), name)
    return found


def calls_of_load(tree: ast.AST) -> Iterator[tuple[str, str]]:
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id="load"), args=[ast.Constant(value=str(section)), ast.Name(id=name), *_]):
                yield section, name


def row(section: str, name: str, field: FieldInfo) -> str:
    """The line of docs/configuration.md for one setting."""
    default = field.default
    shown = ", ".join(default) if isinstance(default, tuple) else str(default)
    if isinstance(default, bool):
        shown = shown.lower()
    if field.is_required() or default is None or shown == "":
        shown = "required" if field.is_required() else "none"
    else:
        shown = f"`{shown}`"
    return f"| `STREAMGAUGE_{section}_{name}`".upper() + f" | {shown} | {field.description} |"


def test_every_section_is_read_by_a_command() -> None:
    assert sections().keys() == set(SECTIONS)


@pytest.mark.parametrize("section", SECTIONS)
def test_every_setting_is_documented_as_it_is(section: str) -> None:
    page = (ROOT / "docs" / "configuration.md").read_text().splitlines()
    rows = [row(section, field.alias or name, field) for name, field in sections()[section].model_fields.items()]
    assert not [each for each in rows if each not in page], "docs/configuration.md lacks these lines"
    prefix = f"| `STREAMGAUGE_{section.upper()}_"
    assert [line for line in page if line.startswith(prefix)] == rows


def test_every_module_has_its_place_in_the_architecture() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text()
    paths = [path for package in ("ingest", "broadcaster", "dashboard") for path in (ROOT / package).rglob("*.py")]
    names = {"/".join(path.relative_to(ROOT).with_suffix("").parts[1:]) for path in paths} - {"__init__", "__main__"}
    plain = {name.removeprefix("sources/") for name in names if not name.endswith("/__init__")}
    assert not [name for name in sorted(plain) if f"`{name}`" not in page]


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_links_lead_somewhere(page: Path) -> None:
    targets = [unquote(link.partition("#")[0]) for link in LINK.findall(page.read_text())]
    assert not [each for each in targets if each and "://" not in each and not (page.parent / each).exists()]


def pins(file: str) -> dict[str, str]:
    """Each requirement with its hashes, by the line that pins it."""
    text = "\n".join(line for line in (ROOT / file).read_text().splitlines() if not line.startswith("#"))
    return {block.split("==")[0]: block for block in re.split(r"\n(?=\S)", text)}


def test_pins_have_hashes_and_name_no_index() -> None:
    for file in ("constraints.txt", "constraints-runtime.txt"):
        assert "://" not in (ROOT / file).read_text()
        assert all("==" in block and "--hash=sha256:" in block for block in pins(file).values())


def test_the_image_runs_what_was_tested() -> None:
    everything = pins("constraints.txt")
    for name, block in pins("constraints-runtime.txt").items():
        assert everything[name].split("\n")[1:] == block.split("\n")[1:], name
