"""Each threat that docs/security.md names has tests that exist."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "security.md").read_text()
ROWS = [
    line for line in PAGE.partition("## Threat model")[2].partition("\n## ")[0].splitlines() if line.startswith("| ")
][1:]


def functions(path: Path) -> set[str]:
    return {
        node.name
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def test_each_row_has_tests() -> None:
    assert len(ROWS) > 30
    for row in ROWS:
        named = re.findall(r"`(tests/\S+?\.py)::(\w+)`", row)
        assert named, row
        for path, name in named:
            assert (ROOT / path).is_file(), path
            assert name in functions(ROOT / path), f"{path}::{name}"
