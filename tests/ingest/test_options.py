import inspect
import math
from uuid import uuid4

import pytest

from ingest import open_producer
from ingest.blocking import ProducerOptions
from ingest.options import MAX_ID, OPTIONS, check_options, program_name

NO_COUNT = (0, -1, 1.0, math.nan, True, "5", None)
NO_SECONDS = (-0.1, math.nan, math.inf, -math.inf, True, "1", None)
BAD: dict[str, tuple[object, ...]] = {
    "token": ("two words", "line\n", "naïve", b"bytes", 5),
    "ca": (5, b"ca.pem", "no/such/file.pem", __file__),
    "client": (5, b"me"),
    "buffer_samples": NO_COUNT,
    "on_full": ("drop", None, "", True),
    "flush_interval_s": NO_SECONDS,
    "batch_samples": NO_COUNT,
    "window": NO_COUNT,
    "flush_s": NO_SECONDS,
    "producer_id": ("5e0f1c2a-0000-4000-8000-000000000000", 5),
    "first_id": (-1, 1.0, MAX_ID + 1, True, "1"),
    "dial": ("ws://127.0.0.1:8765", 5),
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in BAD.items() for value in values])
async def test_what_an_option_cannot_be_is_refused_by_its_name(name: str, value: object) -> None:
    with pytest.raises(ValueError, match=f"^{name}: expected ") as raised:
        async with open_producer(**{name: value}):  # type: ignore[arg-type]
            raise AssertionError
    if name == "token":
        assert str(value) not in str(raised.value)


@pytest.mark.parametrize(
    ("started", "name"),
    [
        (["/home/me/train.py", "--fast"], "train.py"),
        (["/lib/python3/bench/__main__.py"], "bench"),
        (["-c"], "streamgauge producer"),
        (["-"], "streamgauge producer"),
        ([""], "streamgauge producer"),
        ([], "streamgauge producer"),
    ],
)
def test_a_producer_is_called_as_its_script(monkeypatch: pytest.MonkeyPatch, started: list[str], name: str) -> None:
    monkeypatch.setattr("sys.argv", started)
    assert program_name() == name


def test_what_options_can_be() -> None:
    check_options(token=None, ca=None, producer_id=None, first_id=None, dial=None)
    check_options(token="a.b-c_d=", client="", buffer_samples=1, on_full="block", flush_interval_s=0, flush_s=1e9)
    check_options(producer_id=uuid4(), first_id=0, batch_samples=10**6, window=10**6)


def test_every_option_is_checked() -> None:
    of_trio = [name for name in inspect.signature(open_producer).parameters if name != "url"]
    assert of_trio == list(OPTIONS) == list(BAD) == list(ProducerOptions.__annotations__)
