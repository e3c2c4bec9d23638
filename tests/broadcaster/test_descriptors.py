import resource

import pytest

from broadcaster.config import BroadcasterConfig
from broadcaster.descriptors import SPARE, Descriptors, available, shared_out


def test_with_files_enough_it_is_as_configured() -> None:
    config = BroadcasterConfig(connections_max=5_000, handshakes_max=200, http_connections_max=300)
    assert shared_out(config, 1_000_000) == Descriptors(5_000, 200, 300)


@pytest.mark.parametrize("files", [128, 256, 1_024, 20_000])
def test_of_few_all_get_a_share_and_some_are_spared(files: int) -> None:
    shares = shared_out(BroadcasterConfig(), files)
    assert min(shares.connections, shares.handshakes, shares.http) >= 16
    assert shares.connections >= (files - SPARE) // 2
    assert shares.connections + shares.handshakes + shares.http <= files - SPARE


def test_as_many_as_the_system_grants() -> None:
    assert available() >= resource.getrlimit(resource.RLIMIT_NOFILE)[0] > SPARE
