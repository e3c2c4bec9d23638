"""Which series a subscriber wants: globs over metric names and tags. Pure.

Globs are matched in time O(length of glob x length of text), so that no pattern can make the broadcaster busy: as
regular expressions only of atomic groups, which never go back. A selection is compiled once and remembers which of its
selectors a metric has passed, since there are many series of each.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from weakref import WeakValueDictionary

from ingest.messages import MessageError
from ingest.samples import MAX_TAGS, Series, show

GLOB_MAX = 256
KEY_MAX = 64  # as long as a tag's key may be
METRICS_MAX = 256  # that one selection remembers

Test = Callable[[str], bool]


def glob_match(glob: str, text: str) -> bool:
    """True if the whole text matches: `*` is any run of characters, `?` is one. Others stand for themselves.

    Greedy with one point of return: the classical wildcard algorithm of R. Salz's wildmat.
    """
    at, position, star, mark = 0, 0, -1, 0
    while position < len(text):
        if at < len(glob) and glob[at] == "*":
            star, mark = at, position
            at += 1
        elif at < len(glob) and glob[at] in ("?", text[position]):
            at += 1
            position += 1
        elif star >= 0:
            mark += 1
            at, position = star + 1, mark
        else:
            return False
    return glob[at:].strip("*") == ""


@lru_cache(4_096)
def compile_glob(glob: str) -> Test:
    """A test for the glob, quickest for the common forms (`*`, `name`, `prefix*`, `*suffix`, `*part*`)."""
    body = glob.rstrip("*")
    part = body.lstrip("*")
    if part and part != body and "*" not in part and "?" not in part:
        return (lambda text: text.endswith(part)) if body == glob else (lambda text: part in text)
    if "*" in body or "?" in body:
        match = re.compile(_expression(glob), re.DOTALL).fullmatch
        return lambda text: match(text) is not None
    if body == glob:
        return glob.__eq__
    return lambda text: text.startswith(body)


def covers(glob: str, other: str) -> bool:
    """True if whatever `other` matches, `glob` does, too. False: that is not so, or not plain.

    Without a `?`, which no `*` of `other` may stand for, whatever `glob` matches as a text it matches as a glob.
    """
    if glob == other:
        return True
    is_name = "*" not in other and "?" not in other
    return (is_name or "?" not in glob) and compile_glob(glob)(other)


def _expression(glob: str) -> str:
    """Each part between stars is taken where it is first found, for good; the last one at the end."""
    first, *others = ("".join("." if char == "?" else re.escape(char) for char in part) for part in glob.split("*"))
    if not others:
        return first
    return first + "".join(f"(?>.*?{part})" for part in others[:-1]) + f".*{others[-1]}"


@dataclass(frozen=True, slots=True)
class Selector:
    """All of its parts must match; a part left out matches everything."""

    metric: str = "*"
    tags: tuple[tuple[str, str], ...] = ()
    exact: tuple[tuple[str, ...], ...] = field(init=False, repr=False, compare=False)
    """What is named without a glob: a tag and its value, or the metric."""
    literal: tuple[str, str] = field(init=False, repr=False, compare=False)
    """The tag and the longest text without a wildcard that its value has in it; "" is the metric, or nothing."""

    def __post_init__(self) -> None:
        exact: list[tuple[str, ...]] = []
        longest = "", _longest_literal(self.metric)
        if longest[1] == self.metric:
            exact.append((self.metric,))
        for key, glob in self.tags:
            literal = _longest_literal(glob)
            if literal == glob:
                exact.append((key, glob))
            if len(literal) > len(longest[1]):
                longest = key, literal
        object.__setattr__(self, "exact", tuple(exact))
        object.__setattr__(self, "literal", longest)

    def __str__(self) -> str:
        inside = ",".join(f"{key}={glob}" for key, glob in self.tags)
        return f"{self.metric}{{{inside}}}" if inside else self.metric


def _longest_literal(glob: str) -> str:
    if "?" in glob:
        glob = glob.replace("?", "*")
    return max(glob.split("*"), key=len) if "*" in glob else glob


Selection = frozenset[Selector]
"""Any of its selectors may match."""


Parts = tuple[Test, list[tuple[str, Test]]]
"""The tests of a selector: of the metric, and of tags."""


def selects(selection: Selection, series: Series) -> bool:
    """For many series, `compile_selection` once."""
    return compile_selection(selection).test(series)


class Matcher:
    """A selection whose globs are compiled one after the other, since a long one takes a millisecond."""

    __slots__ = ("__weakref__", "_compiled", "_steps", "_test", "compiled")

    def __init__(self, selection: Selection, others: Iterable["Matcher"] = ()) -> None:
        """What `others` have compiled is not compiled again."""
        self._compiled: dict[Selector, Parts] = {}
        for other in others:
            self._compiled.update((each, parts) for each, parts in other._compiled.items() if each in selection)
        left = selection.difference(self._compiled)
        self.compiled = not left
        self._steps = _compiling(left, self._compiled)
        self._test: Callable[[Series], bool] | None = None

    def compile(self, enough: Callable[[], bool] = lambda: False) -> bool:
        """Goes on, glob by glob, until it is enough. True: all are compiled."""
        for _ in self._steps:
            if enough():
                return False
        self.compiled = True
        return True

    @property
    def test(self) -> Callable[[Series], bool]:
        """The same as `selects`, for many series. What is not compiled is, at once."""
        if self._test is None:
            self.compile()
            self._test = _test_of(list(self._compiled.values()))
        return self._test


def _compiling(selectors: Iterable[Selector], compiled: dict[Selector, Parts]) -> Iterator[None]:
    """Stops between any two globs."""
    between = False
    for selector in selectors:
        tests: list[Test] = []
        for glob in (selector.metric, *(glob for _, glob in selector.tags)):
            if between:
                yield
            between = True
            tests.append(compile_glob(glob))
        compiled[selector] = tests[0], [(key, test) for (key, _), test in zip(selector.tags, tests[1:], strict=True)]


_matchers: WeakValueDictionary[Selection, Matcher] = WeakValueDictionary()


def compile_selection(selection: Selection, others: Sequence[Matcher] = ()) -> Matcher:
    """One for all who want the same, as long as anybody keeps it; `others`: who may have compiled some of it."""
    known = _matchers.get(selection)
    if known is not None and (known.compiled or not others):
        return known
    matcher = Matcher(selection, others)
    if known is None or matcher.compiled:
        _matchers[selection] = known = matcher
    return known


def _test_of(selectors: list[Parts]) -> Callable[[Series], bool]:
    passed: dict[str, list[list[tuple[str, Test]]]] = {}  # by metric: what is left to be tested

    def matches(series: Series) -> bool:
        left = passed.get(series.metric)
        if left is None:
            if len(passed) >= METRICS_MAX:
                passed.clear()
            left = passed[series.metric] = [tags for metric, tags in selectors if metric(series.metric)]
        if not left:
            return False
        have: dict[str, str] | None = None
        for tags in left:
            if not tags:
                return True
            if have is None:
                have = dict(series.tags)
            for key, test in tags:
                if (value := have.get(key)) is None or not test(value):
                    break
            else:
                return True
        return False

    return matches


def parse_selection(raw: object, selectors_max: int, id: int | None = None) -> Selection:
    """The `select` of a subscribe message. Raises MessageError (bad_message)."""
    if not isinstance(raw, list) or not raw:
        raise MessageError("bad_message", f"select: expected an array of at least one object, got {show(raw)}", id)
    if len(raw) > selectors_max:
        raise MessageError("bad_message", f"select: at most {selectors_max} entries, got {len(raw)}", id)
    return frozenset(_parse_selector(item, f"select[{index}]", id) for index, item in enumerate(raw))


def _parse_selector(raw: Any, where: str, id: int | None) -> Selector:
    if not isinstance(raw, dict):
        raise MessageError("bad_message", f"{where}: expected an object, got {show(raw)}", id)
    metric = _parse_glob(raw.get("metric", "*"), f"{where}.metric", id)
    tags = raw.get("tags", {})
    if not isinstance(tags, dict) or len(tags) > MAX_TAGS:
        expected = f"an object of at most {MAX_TAGS} globs"
        raise MessageError("bad_message", f"{where}.tags: expected {expected}, got {show(tags)}", id)
    for key in tags:
        if len(key) > KEY_MAX:
            expected = f"keys of at most {KEY_MAX} characters"
            raise MessageError("bad_message", f"{where}.tags: expected {expected}, got {show(key)}", id)
    pairs = ((key, _parse_glob(glob, f"{where}.tags.{key}", id)) for key, glob in tags.items())
    return Selector(metric, tuple(sorted(pairs)))


def _parse_glob(raw: object, where: str, id: int | None) -> str:
    if not isinstance(raw, str) or not 1 <= len(raw) <= GLOB_MAX:
        expected = f"a glob of 1 to {GLOB_MAX} characters"
        raise MessageError("bad_message", f"{where}: expected {expected}, got {show(raw)}", id)
    return raw


def parse_select(text: str) -> Selector:
    """The text form `GLOB` or `GLOB{key=GLOB,key=GLOB}`. Raises MessageError (bad_message)."""
    metric, brace, rest = text.partition("{")
    tags: dict[str, str] = {}
    if brace:
        if not rest.endswith("}"):
            raise MessageError("bad_message", f"select: expected GLOB{{key=GLOB,…}}, got {show(text)}")
        for pair in filter(None, rest[:-1].split(",")):
            key, equals, glob = pair.partition("=")
            if not equals or not key:
                raise MessageError("bad_message", f"select: expected key=GLOB within the braces, got {show(pair)}")
            tags[key.strip()] = glob.strip()
    return _parse_selector({"metric": metric or "*", "tags": tags}, "select", None)
