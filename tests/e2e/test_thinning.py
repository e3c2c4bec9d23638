"""A broadcaster that finds old data thins it, and is killed again and again meanwhile."""

import random
import signal
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
import trio

from broadcaster.store.file import NAME
from broadcaster.store.units import Batch, SeriesRow, Unit
from tests.broadcaster.store.thinkit import Total, batch, opened, totals
from tests.e2e.conftest import BroadcasterProcess
from tests.e2e.wire import eventually

SECONDS = 3_000
SERIES = 20
KILLS = 4


def fill(directory: Path, first: float) -> dict[int, Total]:
    """A sample a second of each series, in batches of five seconds; and one of now, or the clock would be doubted."""
    file, batches = opened(directory), list[Batch]()
    for number, second in enumerate(range(0, SECONDS, 5), 1):
        times = [first + second + part for part in range(5)]
        columns = {key: (times, [float(second + key + part) for part in range(5)]) for key in range(1, SERIES + 1)}
        batches.append(batch(number, first + second + 5, columns))
    now = time.time()
    batches.append(batch(len(batches) + 1, now, {SERIES + 1: ([now], [1.0])}))
    known: list[SeriesRow] = [(key, f"m{key}", "{}", "gauge", None, None) for key in range(1, SERIES + 2)]
    file.write([Unit(1, batches, known)])
    found = totals(file._sql)
    file.close()
    return found


def left(directory: Path) -> tuple[dict[int, Total], int]:
    """What is stored, and how many batches of it as they came."""
    sql = sqlite3.connect(directory / NAME)
    try:
        return totals(sql), sql.execute("SELECT count(*) FROM batches WHERE seq <= ?", (SECONDS // 5,)).fetchone()[0]
    finally:
        sql.close()


@pytest.mark.timeout(240)  # five starts of a process
async def test_kills_while_old_data_is_thinned_lose_and_double_nothing(
    broadcaster_process: Callable[..., BroadcasterProcess], tmp_path: Path
) -> None:
    first, chance = time.time() // 60 * 60 - 3 * 86_400, random.Random(5)
    before = await trio.to_thread.run_sync(fill, tmp_path, first)
    process = broadcaster_process(
        data_dir=tmp_path, telemetry_interval_s=0, history_age_s=60.0, store_1s_after_s=60.0, store_10s_after_s=3_600.0
    )
    seen = set[int]()
    for _ in range(KILLS):
        await process.start()
        await trio.sleep(chance.uniform(0, 0.6))
        process.send_signal(signal.SIGKILL)
        await process.wait()
        found, batches = await trio.to_thread.run_sync(left, tmp_path)
        assert found == before
        seen.add(batches)
    await process.start()
    async with httpx.AsyncClient() as http:

        async def thinned() -> bool:
            return 'streamgauge_store_held{step="raw"} 1.0' in (await http.get(f"{process.http_url}/metrics")).text

        await eventually(thinned, 90)
        asked: dict[str, str | float] = {"select": "m7", "from": first, "to": first + SECONDS, "step": 60}
        answer = (await http.get(f"{process.http_url}/v1/history", params=asked)).json()
    (series,) = answer["series"]
    assert answer["step"] == 60
    assert (sum(series["count"]), min(series["min"]), max(series["max"])) == (SECONDS, before[7].low, before[7].high)
    process.send_signal(signal.SIGKILL)
    await process.wait()
    assert (await trio.to_thread.run_sync(left, tmp_path)) == (before, 0)
