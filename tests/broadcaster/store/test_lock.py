from pathlib import Path

import pytest

from broadcaster.store.lock import InUseError, Lock


def test_one_at_a_time(tmp_path: Path) -> None:
    first = Lock(tmp_path)
    with pytest.raises(InUseError, match=r"in use by another broadcaster \(process \d+\)"):
        Lock(tmp_path)
    first.release()
    Lock(tmp_path).release()
