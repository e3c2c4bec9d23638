"""What the second reading of every except and cancel scope asks of whatever comes later (docs/reliability.md)."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
SOURCES = sorted(path for floor in ("ingest", "broadcaster", "dashboard") for path in (ROOT / floor).rglob("*.py"))
EVERYTHING = {"BaseException", "BaseExceptionGroup", "Cancelled"}
BROAD = {*EVERYTHING, "Exception", "ExceptionGroup"}
# Where a cancellation is caught and not raised again as it came, and who bounds a shield: the docs have the reasons.
HANDED_ON = {"ingest/blocking.py:_run", "ingest/link.py:_open", "dashboard/commands.py:main"}
BOUNDED_INSIDE = {"broadcaster/server.py:serve", "ingest/producer.py:__init__", "ingest/producer.py:finish"}


def nodes(tree: ast.AST, function: str = "") -> Iterator[tuple[str, ast.AST]]:
    """Each node below, with the name of the function around it."""
    for child in ast.iter_child_nodes(tree):
        inner = child.name if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef) else function
        yield inner, child
        yield from nodes(child, inner)


def names(kind: ast.expr | None) -> set[str]:
    """The classes that an except clause names, without their modules."""
    if kind is None:
        return {"BaseException"}
    return {getattr(each, "attr", getattr(each, "id", "")) for each in ast.walk(kind)}


def raises_again(handler: ast.ExceptHandler) -> bool:
    last = handler.body[-1]
    return isinstance(last, ast.Raise) and last.exc is None


def faults(name: str, text: str) -> Iterator[str]:
    lines = text.splitlines()
    for function, node in nodes(ast.parse(text)):
        at = f"{name}:{function}"
        if isinstance(node, ast.ExceptHandler) and (broad := names(node.type) & BROAD) and not raises_again(node):
            said = "#" in lines[node.lineno - 1] or any("#" in lines[each.lineno - 1] for each in node.body)
            passes_on = any(isinstance(each, ast.Raise) for each in ast.walk(node))
            if node.type is None or (broad & EVERYTHING and at not in HANDED_ON):
                yield f"{at}: swallows a cancellation"
            elif not said and not passes_on and not _calls(node, "handleError") and at not in HANDED_ON:
                yield f"{at}: catches {', '.join(broad)} without a reason"
        if isinstance(node, ast.Call) and any(
            each.arg == "shield" and not (isinstance(each.value, ast.Constant) and each.value.value is False)
            for each in node.keywords
        ):
            called = getattr(node.func, "attr", getattr(node.func, "id", ""))
            has_deadline = called.startswith(("move_on", "fail_")) or any(
                each.arg == "deadline" for each in node.keywords
            )
            if not has_deadline and at not in BOUNDED_INSIDE:
                yield f"{at}: a shield without a deadline"
        if isinstance(node, ast.Assign) and any(getattr(each, "attr", "") == "shield" for each in node.targets):
            yield f"{at}: a shield that begins later is not seen here: say shield= with the scope"


def _calls(node: ast.AST, name: str) -> bool:
    return any(isinstance(each, ast.Attribute) and each.attr == name for each in ast.walk(node))


def test_nothing_swallows_a_cancellation_and_every_shield_ends() -> None:
    found = [fault for path in SOURCES for fault in faults(path.relative_to(ROOT).as_posix(), path.read_text())]
    assert found == []


def test_every_exemption_is_still_needed() -> None:
    for at in HANDED_ON | BOUNDED_INSIDE:
        path, _, function = at.partition(":")
        tree = ast.parse((ROOT / path).read_text())
        inside = [node for name, node in nodes(tree) if name == function]
        caught = any(isinstance(node, ast.ExceptHandler) and names(node.type) & EVERYTHING for node in inside)
        shielded = any(isinstance(node, ast.keyword) and node.arg == "shield" for node in inside)
        assert caught if at in HANDED_ON else shielded, at


def test_the_reading_sees_what_it_is_for() -> None:
    def found(body: str) -> list[str]:
        return list(faults("a.py", f"async def f():\n    try:\n        await g()\n    {body}\n"))

    assert found("except: pass") == ["a.py:f: swallows a cancellation"]
    assert found("except BaseException: log()") == ["a.py:f: swallows a cancellation"]
    assert found("except (OSError, trio.Cancelled): return") == ["a.py:f: swallows a cancellation"]
    assert found("except Exception: log()") == ["a.py:f: catches Exception without a reason"]
    assert found("except* Exception: log()") == ["a.py:f: catches Exception without a reason"]
    assert found("except Exception: log()  # a bug costs one connection") == []
    assert found("except BaseException:\n        close()\n        raise") == []
    assert found("finally:\n        trio.CancelScope(shield=True)") == ["a.py:f: a shield without a deadline"]
    assert found("finally:\n        trio.move_on_after(1, shield=True)") == []
    assert len(found("finally:\n        scope.shield = True")) == 1
