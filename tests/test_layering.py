"""The house rules that a machine can see: who imports whom, what stays pure, how long things get."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FLOORS = ("ingest", "broadcaster", "dashboard")  # each may import itself and those before it
PURE = (
    "ingest/samples.py",
    "ingest/columns.py",
    "ingest/remembered.py",
    "ingest/messages.py",
    "ingest/backoff.py",
    "ingest/decoders/*.py",
    "broadcaster/config.py",
    "broadcaster/errors.py",
    "broadcaster/messages.py",
    "broadcaster/selection.py",
    "broadcaster/history.py",
    "broadcaster/store/codec.py",
    "broadcaster/store/units.py",
    "broadcaster/store/thinned.py",
    "broadcaster/alerts/rules.py",
    "broadcaster/alerts/files.py",
    "broadcaster/alerts/instance.py",
    "broadcaster/alerts/rates.py",
    "broadcaster/alerts/timers.py",
    "broadcaster/alerts/evaluator.py",
    "broadcaster/alerts/notices.py",
)
IMPURE = {"trio", "trio_websocket", "socket", "ssl", "select", "selectors", "asyncio", "anyio", "threading"}
HEAVY = {"pydantic", "pydantic_settings", "psutil", "rich", "dash", "plotly", "hypercorn", "starlette"}
HEAVY |= {"prometheus_client", "flask"}

SOURCES = sorted(path for floor in FLOORS for path in (ROOT / floor).rglob("*.py"))
CODE = [*SOURCES, *sorted((ROOT / "tests").rglob("*.py"))]
SCRIPTS = sorted((ROOT / "dashboard").rglob("*.js"))


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def module(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


MODULES = {module(path): path for path in SOURCES}


def imports(nodes: Iterator[ast.AST], package: str) -> Iterator[str]:
    """Full names; `from a import b` gives a.b as well, which may be a module."""
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                base = ".".join([*package.split(".")[: -node.level or None], *base.split(".")]).rstrip(".")
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)


def at_import(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes that run when a module is imported: no function bodies, nothing for type checkers only."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test):
            continue
        yield child
        yield from at_import(child)


def package_of(path: Path) -> str:
    return module(path) + (".__init__" if path.name == "__init__.py" else "")


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_imports_go_one_way(path: Path) -> None:
    floor = FLOORS.index(path.relative_to(ROOT).parts[0])
    above = FLOORS[floor + 1 :]
    found = {each for each in imports(ast.walk(tree(path)), package_of(path)) if each.split(".")[0] in above}
    assert not found


def test_there_is_no_import_cycle() -> None:
    graph = {
        each: {found for found in imports(at_import(tree(path)), package_of(path)) if found in MODULES} - {each}
        for each, path in MODULES.items()
    }
    while free := {each for each, needs in graph.items() if not needs & graph.keys()}:
        graph = {each: needs for each, needs in graph.items() if each not in free}
    assert not graph


@pytest.mark.parametrize("path", [path for glob in PURE for path in sorted(ROOT.glob(glob))], ids=name)
def test_pure_modules_do_no_io(path: Path) -> None:
    assert not {each.split(".")[0] for each in imports(ast.walk(tree(path)), package_of(path))} & IMPURE


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_an_unbounded_channel_says_why(path: Path) -> None:
    lines = path.read_text().splitlines()
    for number, line in enumerate(lines):
        if re.search(r"open_memory_channel.*\binf\b", line):
            assert "#" in line or lines[number - 1].strip().startswith("#"), f"{name(path)}:{number + 1}"


@pytest.mark.parametrize("path", [*CODE, *SCRIPTS], ids=name)
def test_files_stay_short(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 400


@pytest.mark.parametrize("path", CODE, ids=name)
def test_functions_stay_short(path: Path) -> None:
    functions = (node for node in ast.walk(tree(path)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    assert not [each.name for each in functions if each.end_lineno and each.end_lineno - each.lineno >= 49]


def test_a_producer_imports_light() -> None:
    """`import ingest`, and asking the command for help, work with trio, trio-websocket and orjson alone."""
    block = f"""
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {HEAVY!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Absent())
import ingest
from dashboard.__main__ import main
try:
    main(["--help"])
except SystemExit as stop:
    assert stop.code == 0
print("light")
"""
    ran = subprocess.run([sys.executable, "-c", block], capture_output=True, text=True, cwd=ROOT)
    assert ran.stdout.endswith("light\n"), ran.stderr
