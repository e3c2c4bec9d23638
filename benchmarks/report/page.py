"""results.json as Markdown tables. Pure."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from benchmarks.peers.registry import BY_NAME
from benchmarks.report.floods import floods
from benchmarks.report.smoothness import smoothness
from benchmarks.report.tables import number, table
from benchmarks.statistics import Row, medians, ratios

Results = Mapping[str, Any]
STREAMGAUGE = "streamgauge"
LOADS = ("saturated", "1,000 a second", "overflowing")
SEALED = ", TLS"


def title(peer: str) -> str:
    return BY_NAME[peer].title if peer in BY_NAME else "bare loop of `send`"


def page(results: Results) -> str:
    """All sections that were measured."""
    writers: dict[str, Callable[[Mapping[str, Any]], str]] = {
        "fanout": fanout,
        "latency": latency,
        "ingest": ingest,
        "connections": connections,
        "isolation": isolation,
        "floods": floods,
        "growth": growth,
        "smoothness": smoothness,
    }
    parts = ["# Measured\n\nWritten by `python -m benchmarks`; [how to read and repeat it](../benchmarks.md).\n"]
    for name, write in writers.items():
        if name in results:
            section = results[name]
            parts.append(f"## {name.capitalize()}\n\n{_when(section)}\n\n{write(section)}")
    return "\n".join(parts)


def _when(section: Mapping[str, Any]) -> str:
    machine = section["machine"]
    return (
        f"{section['taken']} UTC, medians of {section['runs']}, {section['seconds']:g} s each; "
        f"{machine['cores']} cores ({machine['processor']}), {machine['system']} {machine['kernel']}, "
        f"Python {machine['python']}, Node {machine['node'] or '-'}; load before: {machine['load_average']:.1f}, "
        f"after: {number(machine.get('load_average_after', float('nan')))}."
    )


def fanout(section: Mapping[str, Any]) -> str:
    rows: list[Row] = section["rows"]
    by_load = {load: [row for row in rows if row["load"] == load] for load in LOADS}
    writers = (_saturated, _paced, _overflowing)
    parts = [write(by_load[load]) for load, write in zip(LOADS, writers, strict=True) if by_load[load]]
    sealed = [load for load in LOADS if any(row["load"] == load + SEALED for row in rows)]
    return "\n".join([*parts, _over_tls(rows, sealed)] if sealed else parts)


def _saturated(rows: list[Row]) -> str:
    middle = medians(rows, ["peer"])
    lines = [
        [
            title(row["peer"]),
            number(row["delivered_per_s"] / 1e6) if row["peer"] != "bare" else "-",
            _times([r for r in rows if r["peer"] != "bare"], lambda r: float(r["delivered_per_s"]), row["peer"]),
            number(row["bytes_per_s"] / 1e6),
            number(row["server_cpu"]),
            number(row["generator_cpu"]),
            f"{row.get('lost_share', 0):.2%}" if row["peer"] != "bare" else "-",
            number(row.get("errors", 0)),
        ]
        for row in middle
    ]
    share = ratios(rows, lambda row: float(row["bytes_per_s"]), STREAMGAUGE, "bare")
    head = ["1,000 subscribers, saturated", "M samples/s delivered", "Streamgauge delivers times as many", "MB/s"]
    text = table([*head, "server, cores", "generator, cores", "not delivered", "errors"], lines)
    return text + (f"\nOf the bare loop's bytes a second: {_spread(share, '{:.0%}')}.\n" if share else "")


def _paced(rows: list[Row]) -> str:
    lines = [
        [
            title(row["peer"]),
            number(row["server_cpu"]),
            f"{row['delivered_per_s'] / 1e6:.1%}",
            number(row["cpu_s_per_million"]),
            _times(rows, lambda r: float(r["cpu_s_per_million"]), row["peer"], cost=True),
            f"{row['lost_share']:.2%}",
            number(row["errors"]),
        ]
        for row in medians(rows, ["peer"])
    ]
    head = ["1,000 samples/s to 1,000", "server, cores", "delivered in time", "CPU s a million deliveries"]
    return table([*head, "times Streamgauge's", "not delivered", "errors"], lines)


def _overflowing(rows: list[Row]) -> str:
    (row,) = medians(rows, ["peer"])
    return (
        f"Overflow forced (sockets that hold 4 KiB, mailboxes of 2 batches, {number(row['published_per_s'])} samples/s "
        f"to 1,000): {number(row['delivered_per_s'] / 1e6)} M samples/s delivered, "
        f"{row['announced'] / row['expected']:.0%} dropped and named by {number(row['gaps'])} gaps, "
        f"{number(row['unaccounted'])} unaccounted for; {number(row['cpu_s_per_million'])} CPU s a million deliveries, "
        f"{number(row['server_cpu'])} cores.\n"
    )


def _over_tls(rows: list[Row], loads: Sequence[str]) -> str:
    """Streamgauge's rows with and without, as pairs."""
    kept = [{**row, "peer": row["load"]} for row in rows if row["peer"] == STREAMGAUGE]
    middle = {row["peer"]: row for row in medians(kept, ["peer"])}
    lines = []
    for load in loads:
        for name in (load, load + SEALED):
            row = middle[name]
            lines.append(
                [
                    name,
                    number(row["delivered_per_s"] / 1e6),
                    _spread(ratios(kept, lambda r: float(r["delivered_per_s"]), name, load), "{:.0%}")
                    if name != load
                    else "-",
                    number(row["bytes_per_s"] / 1e6),
                    number(row["server_cpu"]),
                    number(row["generator_cpu"]),
                    number(1e6 * row["server_cpu"] / row["delivered_per_s"]),
                    f"{row['lost_share']:.2%}",
                    number(row["errors"]),
                ]
            )
    head = ["Streamgauge, 1,000 subscribers", "M samples/s delivered", "of that without TLS", "MB/s", "server, cores"]
    head += ["generator, cores", "CPU s a million deliveries", "not delivered", "errors"]
    return table(head, lines) + (
        "\nOver TLS every subscriber decrypts and authenticates all it gets, and it is counted and checked as without; "
        "the bytes are plaintext. Server and subscribers share two cores, so what decrypting takes is not there to "
        "encrypt. A delivery is a sample: saturated, a frame brings thousands of them, at 1,000 a second some twenty, "
        "and most of the cost is the frame's.\n"
    )


def _times(rows: Sequence[Row], measure: Callable[[Row], float], peer: str, *, cost: bool = False) -> str:
    """The median ratio to Streamgauge, of the same runs."""
    if peer in (STREAMGAUGE, "bare"):
        return "-"
    pair = (peer, STREAMGAUGE) if cost else (STREAMGAUGE, peer)
    return _spread(ratios(rows, measure, *pair), "{}")


def _spread(values: Sequence[float], form: str) -> str:
    """Median, and least to greatest."""
    if not values:
        return "-"
    ordered = sorted(values)
    show = (lambda value: number(value)) if form == "{}" else form.format
    middle = ordered[len(ordered) // 2] if len(ordered) % 2 else sum(ordered[len(ordered) // 2 - 1 :][:2]) / 2
    return show(middle) + (f" ({show(ordered[0])} to {show(ordered[-1])})" if len(ordered) > 1 else "")


def latency(section: Mapping[str, Any]) -> str:
    rows: list[Row] = section["rows"]
    counts = sorted({row["subscribers"] for row in rows})
    middle = {(row["peer"], row["subscribers"]): row for row in medians(rows, ["peer", "subscribers"])}
    lines = []
    for peer in dict.fromkeys(row["peer"] for row in rows):
        cells = [title(peer)]
        for count in counts:
            row = middle[peer, count]
            cells.append(" / ".join(number(row[name]) for name in ("p50_ms", "p99_ms", "max_ms")))
        lines.append([*cells, f"{max(middle[peer, count]['lost_share'] for count in counts):.2%}"])
    head = [f"{count:,} subscriber{'s' * (count > 1)}: p50 / p99 / max, ms" for count in counts]
    return table(["1,000 samples/s", *head, "not delivered"], lines)


def ingest(section: Mapping[str, Any]) -> str:
    middle = medians(section["rows"], ["form", "subscribers"])
    alone = {row["form"]: row["samples_per_s"] for row in middle if row["subscribers"] == 0}
    lines = [
        [
            row["form"],
            number(row["subscribers"]),
            number(row["samples_per_s"]),
            number(row["messages_per_s"]),
            f"{row['samples_per_s'] / alone[row['form']]:.0%}" if row["form"] in alone else "-",
            number(row["delivered_per_s"] / 1e6),
            number(row["bytes_per_s"] / 1e6),
            f"{row['dropped_share']:.1%}",
            number(row["server_cpu"]),
            number(row["errors"]),
        ]
        for row in middle
    ]
    head = ["One producer", "subscribers", "samples/s", "messages/s", "of it alone", "M/s delivered", "MB/s", "dropped"]
    return table([*head, "server, cores", "errors"], lines)


def connections(section: Mapping[str, Any]) -> str:
    (row,) = medians(section["rows"], ["subscribers"])
    latency = " / ".join(number(row[name]) for name in ("p50_ms", "p99_ms", "max_ms"))
    return table(
        [f"{row['subscribers']:,} subscribers", "measured"],
        [
            ["accepted and subscribed a second", number(row["accepted_per_s"])],
            ["CPU for each, µs", number(row["accept_cpu_us"])],
            ["resident memory of each, KiB", number(row["kib_each"])],
            ["the same after the batches, KiB", number(row["kib_each_busy"])],
            ["one batch a second to all: p50 / p99 / max, ms", latency],
            ["not delivered", f"{row['lost_share']:.2%}"],
            ["dropped", number(row["dropped"])],
            ["errors", number(row["errors"])],
        ],
    )


def isolation(section: Mapping[str, Any]) -> str:
    (row,) = medians([{**row, "one": 1} for row in section["rows"]], ["one"])
    lines = [
        [
            name,
            " / ".join(number(row[f"{key}_{figure}"]) for figure in ("p50_ms", "p99_ms", "max_ms")),
            number(row[f"{key}_server_cpu"]),
            number(row[f"{key}_memory_bytes"] / 2**20),
        ]
        for name, key in (("before", "before"), ("100 of 1,000 do not read", "during"), ("they read again", "after"))
    ]
    head = ["1,000 samples/s", "the others: p50 / p99 / max, ms", "server, cores", "resident, MiB"]
    return table(head, lines) + (
        f"\np99 of the others: {number(row['p99_ratio'])} times what it was. Mailboxes held "
        f"{row['mailbox_bytes'] / 1e6:.2f} MB of {row['bound_bytes'] / 1e6:.2f} MB allowed, and "
        f"{row['mailbox_bytes_after'] / 1e6:.2f} MB afterwards. "
        f"{number(row['gaps'])} gaps named {number(row['announced'])} samples; for {number(row['exact'])} of 100, "
        f"delivered and named add up to what was published. The others lost {number(row['readers_lost'])}. "
        f"Errors: {number(row['errors'])}.\n"
    )


def growth(section: Mapping[str, Any]) -> str:
    lines = [
        [
            row["axis"],
            f"{row['x']:,}",
            number(row["us_per_delivery"]),
            number(row["us_per_batch"]),
            number(row["deliveries_per_s"]),
            number(row["server_cpu"]),
            number(row["errors"]),
        ]
        for row in medians(section["rows"], ["axis", "x"])
    ]
    head = ["More of", "how many", "µs of CPU a delivered batch", "µs a batch, to all", "deliveries/s", "server, cores"]
    return table([*head, "errors"], lines)
