"""Which of many literals occur in a text, without looking for each. Pure.

An inverted index of n-grams, as for searching with regular expressions (R. Cox, "Regular Expression Matching with a
Trigram Index", 2012): a literal is kept under one of its trigrams, that under which the fewest others are, and looked
for only where that occurs.
"""

import math

GRAM = 3  # characters; of a shorter literal, as many as it has
GRAMS_MAX = 8  # of a literal, to choose among: its last ones, since names differ in their ends
SCAN_RATIO = 8  # so many grams are looked for in a text in the time in which one of its own is looked up


class Literals:
    """None is empty."""

    __slots__ = ("_by_gram", "_grams")

    def __init__(self) -> None:
        self._by_gram: dict[str, dict[str, None]] = {}
        self._grams: dict[str, str] = {}

    def __len__(self) -> int:
        return len(self._grams)

    def add(self, literal: str) -> None:
        """Once for each."""
        by_gram, gram, least = self._by_gram, literal, math.inf
        for end in range(len(literal), max(GRAM - 1, len(literal) - GRAMS_MAX), -1):
            others = len(by_gram.get(literal[end - GRAM : end], ()))
            if others < least:
                gram, least = literal[end - GRAM : end], others
                if not others:
                    break
        self._grams[literal] = gram
        by_gram.setdefault(gram, {})[literal] = None

    def discard(self, literal: str) -> None:
        """One that was added."""
        gram = self._grams.pop(literal)
        literals = self._by_gram[gram]
        del literals[literal]
        if not literals:
            del self._by_gram[gram]

    def within(self, text: str) -> list[str]:
        """All that occur in it."""
        by_gram = self._by_gram
        if len(by_gram) <= SCAN_RATIO * len(text):
            grams = [gram for gram in by_gram if gram in text]
        else:
            sizes = range(1, GRAM + 1)
            own = {text[at : at + size] for size in sizes for at in range(len(text) - size + 1)}
            grams = [gram for gram in own if gram in by_gram]
        return [literal for gram in grams for literal in by_gram[gram] if literal in text]
