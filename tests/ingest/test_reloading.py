import logging
import os
import signal

import pytest
import trio
from pydantic import BaseModel, ConfigDict

from ingest.errors import CommandError
from ingest.reloading import change, reload_at_hangup


class Settings(BaseModel):
    model_config = ConfigDict(frozen=True)

    quick: int = 1
    slow: int = 2
    bind: str = "here"


def test_what_may_change_does_in_the_very_object(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    settings = Settings()
    assert change(settings, Settings(quick=7, slow=2, bind="there"), {"quick", "slow"}) == {"quick": 7}
    assert settings == Settings(quick=7)
    read, later = caplog.records
    assert vars(read)["changed"] == "quick"
    assert (later.levelno, later.getMessage()) == (logging.WARNING, "settings that need a restart: bind")


async def test_each_hangup_reads_again_and_a_mistake_changes_nothing(caplog: pytest.LogCaptureFixture) -> None:
    answers: list[Settings | CommandError] = [Settings(quick=1), CommandError("a.toml: x.quick: no"), Settings(quick=3)]
    taken: list[int] = []

    def read() -> Settings:
        answer = answers.pop(0)
        if isinstance(answer, CommandError):
            raise answer
        return answer

    async with trio.open_nursery() as nursery:
        await nursery.start(reload_at_hangup, read, lambda settings: taken.append(settings.quick))
        while answers:
            left = len(answers)
            os.kill(os.getpid(), signal.SIGHUP)
            with trio.fail_after(10):
                while len(answers) == left:
                    await trio.lowlevel.checkpoint()
        nursery.cancel_scope.cancel()
    assert taken == [1, 3]
    (record,) = caplog.records
    assert (record.levelno, record.getMessage()) == (
        logging.ERROR,
        "the configuration stays as it was: a.toml: x.quick: no",
    )
    caplog.clear()
