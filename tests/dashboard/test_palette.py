"""Lines are told apart by those who see fewer colours, and from what is behind them by everybody.

Simulation: Machado, Oliveira and Fernandes, "A Physiologically-based Model for Simulation of Color Vision Deficiency"
(2009), severity 1.0, in linear RGB. Distance: Euclidean in OKLab (Ottosson 2020). Contrast: WCAG 2.2, 1.4.11.
"""

import re
from itertools import combinations, pairwise
from math import dist
from pathlib import Path

import pytest

import dashboard

Colour = tuple[float, float, float]
Matrix = tuple[Colour, Colour, Colour]

STYLE = (Path(dashboard.__file__).parent / "assets" / "style.css").read_text()
SEEN: dict[str, Matrix] = {
    "everybody": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protanopia": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deuteranopia": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
    "tritanopia": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900)),
}
TO_LMS: Matrix = (
    (0.4122214708, 0.5363325363, 0.0514459929),
    (0.2119034982, 0.6806995451, 0.1073969566),
    (0.0883024619, 0.2817188376, 0.6299787005),
)
TO_LAB: Matrix = (
    (0.2104542553, 0.7936177850, -0.0040720468),
    (1.9779984951, -2.4285922050, 0.4505937099),
    (0.0259040371, 0.7827717662, -0.8086757660),
)
NEIGHBOURS = 0.11  # a just noticeable difference is about 0.02
ANY_TWO = 0.06


def times(matrix: Matrix, colour: Colour) -> Colour:
    first, second, third = (sum(a * b for a, b in zip(row, colour, strict=True)) for row in matrix)
    return first, second, third


def linear(text: str) -> Colour:
    """Of #rgb or #rrggbb."""
    digits = text.removeprefix("#")
    wide = digits if len(digits) == 6 else "".join(2 * digit for digit in digits)
    parts = [int(wide[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    first, second, third = (each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in parts)
    return first, second, third


def oklab(colour: Colour) -> Colour:
    long, medium, short = (max(0.0, each) ** (1 / 3) for each in times(TO_LMS, colour))
    return times(TO_LAB, (long, medium, short))


def luminance(colour: Colour) -> float:
    return times(((0.2126, 0.7152, 0.0722), (0, 0, 0), (0, 0, 0)), colour)[0]


def contrast(one: str, other: str) -> float:
    dark, light = sorted(luminance(linear(each)) for each in (one, other))
    return (light + 0.05) / (dark + 0.05)


def declared(name: str, theme: int) -> str:
    """0: light, 1: dark."""
    found = re.search(rf"--{name}: light-dark\((#\w+), (#\w+)\)", STYLE)
    assert found, name
    return found[theme + 1]


def palette(theme: int) -> list[str]:
    return [declared(f"line-{at}", theme) for at in range(8)]


def distance(one: str, other: str, seen: Matrix) -> float:
    return dist(oklab(times(seen, linear(one))), oklab(times(seen, linear(other))))


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize("eyes", SEEN)
def test_neighbours_are_told_apart(eyes: str, theme: int) -> None:
    colours = palette(theme)
    close = {
        (one, other): round(distance(one, other, SEEN[eyes]), 3)
        for one, other in pairwise([*colours, colours[0]])
        if distance(one, other, SEEN[eyes]) < NEIGHBOURS
    }
    assert not close


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize("eyes", SEEN)
def test_no_two_look_the_same(eyes: str, theme: int) -> None:
    colours = palette(theme)
    close = {
        (one, other): round(distance(one, other, SEEN[eyes]), 3)
        for one, other in combinations(colours, 2)
        if distance(one, other, SEEN[eyes]) < ANY_TWO
    }
    assert not close


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_lines_stand_out_from_their_card(theme: int) -> None:
    card = declared("card", theme)
    weak = {each: round(contrast(each, card), 2) for each in palette(theme) if contrast(each, card) < 3}
    assert not weak


def test_the_measure_is_the_published_one() -> None:
    """White and black of OKLab, and a pair that red-green blindness merges."""
    assert oklab(linear("#fff")) == pytest.approx((1, 0, 0), abs=1e-4)
    assert oklab(linear("#000")) == pytest.approx((0, 0, 0), abs=1e-4)
    assert contrast("#777", "#fff") == pytest.approx(4.48, abs=0.01)
    red, green = "#d62728", "#8c6d00"
    assert distance(red, green, SEEN["deuteranopia"]) < 0.4 * distance(red, green, SEEN["everybody"])
