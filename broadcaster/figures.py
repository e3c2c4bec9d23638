"""Numbers, sizes and times as people read them, and sparklines. Pure."""

import math
import re
from collections.abc import Sequence

BARS = "▁▂▃▄▅▆▇█"
SI = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))
IEC = ((2**40, "TiB"), (2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB"))
SHORT_TIMES = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns"))
LONG_TIMES = ((86_400.0, "d"), (3_600.0, "h"), (60.0, "min"))
PREFIXED = (
    r"(?:[TGMkK]i?|[hdcmµun])"
    r"(?:B|bit|b|bps|Bps|pps|W|Wh|V|VA|var|A|Ah|Hz|Pa|bar|J|cal|N|g|m|l|L|s"
    r"|eV|F|FLOP|FLOPS|FLOPs|flops|Ω|Ohm|ohm|mol|Sv|Gy|Bq|K|°C|C|T|S|H|Wb|lm|lx|baud|Bd|px)"
)
WHOLE = {
    "dB",
    "dBm",
    "°C",
    "°F",
    "Cel",
    "K",
    "°",
    "deg",
    "rpm",
    "ppm",
    "ppb",
    "min",
    "h",
    "d",
    "px",
    "mbps",  # meant are megabits, whatever it says
}  # nobody prefixes these
SECONDS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}


def number(value: float) -> str:
    """Four significant digits at most, and no more than two after the point: 0.31, 12.5, 1,234."""
    size = abs(value)
    if size >= 1e15 or 0 < size < 1e-4:
        return f"{value:.3g}"
    if size >= 100:
        return f"{value:,.0f}"
    digits = 2 if size >= 1 else 3 if size >= 0.1 else 4
    text = f"{value:.{1 if size >= 10 else digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _scaled(value: float, scale: Sequence[tuple[float, str]]) -> tuple[float, str] | None:
    return next(((value / factor, name) for factor, name in scale if abs(value) >= factor), None)


def duration(seconds: float) -> str:
    """1.2 ms, 42 s, 3.5 min."""
    if not seconds:
        return "0 s"
    value, unit = _scaled(seconds, LONG_TIMES) or _scaled(seconds, SHORT_TIMES) or (seconds / 1e-9, "ns")
    return f"{number(value)} {unit}"


def quantity(value: float | None, unit: str | None) -> str:
    """A value with its unit: bytes in powers of 1024, times in whatever unit fits, others in powers of 1000."""
    if value is None:
        return "gap"
    if unit in SECONDS:
        return duration(value * SECONDS[unit])
    if unit in ("B", "B/s", "By", "By/s"):
        scaled, name = _scaled(value, IEC) or (value, "B")
        return f"{number(scaled)} {name}{'/s' if unit.endswith('/s') else ''}"
    if unit == "%":
        return f"{number(value)} %"
    return _with_prefix(value, unit or "")


def _with_prefix(value: float, unit: str) -> str:
    plain = unit in WHOLE or re.fullmatch(PREFIXED, unit.partition("/")[0]) is not None
    scaled, prefix = (_scaled(value, SI) if abs(value) >= 10_000 and not plain else None) or (value, "")
    rest = f"/{unit[2:]}" if unit.startswith("1/") else unit
    space = "" if not prefix and rest.startswith("/") else " "
    return f"{number(scaled)}{space}{prefix}{rest}".rstrip()


def sparkline(values: Sequence[float | None], width: int) -> str:
    """The newest `width` values as bars from their lowest to their highest; a blank is a gap. At most `width` long."""
    shown = values[-width:] if width > 0 else []
    known = [value for value in shown if value is not None and math.isfinite(value)]
    if not known:
        return " " * len(shown)
    low, high = min(known), max(known)
    return "".join(" " if value is None else _bar(value, low, high) for value in shown)


def _bar(value: float, low: float, high: float) -> str:
    if high <= low:
        return BARS[0] if value == 0 else BARS[3]  # a flat line is no extreme
    share = (value / 2 - low / 2) / (high / 2 - low / 2)  # halves, so that the difference cannot overflow
    return BARS[min(int(share * len(BARS)), len(BARS) - 1)]
