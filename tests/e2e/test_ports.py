import socket

from tests.e2e.ports import RANGE, free_ports


def test_they_can_be_listened_on_and_the_system_gives_them_to_nobody() -> None:
    lowest, highest = map(int, RANGE.read_text().split()) if RANGE.exists() else (32_768, 60_999)
    ports = free_ports(20)
    assert len(set(ports)) == 20
    for port in ports:
        assert not lowest <= port <= highest
        socket.create_server(("127.0.0.1", port)).close()


def test_what_is_taken_is_not_free() -> None:
    (port,) = free_ports(1)
    with socket.create_server(("127.0.0.1", port)):
        assert all(port not in free_ports(10) for _ in range(3))
