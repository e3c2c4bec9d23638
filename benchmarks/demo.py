from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from signal import SIGINT

from tests.e2e.command import ANYWHERE, running, stop, url_in


@dataclass(frozen=True, slots=True)
class Demo:
    pid: int
    page: str
    stream: str


@contextmanager
def running_demo(**settings: str) -> Iterator[Demo]:
    """`streamgauge demo` as a process of its own on free ports, once it says where it is."""
    with running("demo", "--no-browser", "--bind", "127.0.0.1:0", **ANYWHERE, **settings) as process:
        yield Demo(process.pid, url_in(process, "http"), url_in(process, "ws"))
        stop(process, SIGINT)
