"""What a loop of `send` of one prepared frame to every socket in turn can do; nothing else. It begins at `/publish`."""

import socket
import sys

ANSWER = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"  # to the one key that the generators send
)


def frame_of(size: int) -> bytes:
    """A whole text frame that is `size` bytes on the wire."""
    payload = size - (2 if size < 128 else 4 if size < 65_540 else 10)
    if payload < 126:
        return b"\x81%c%b" % (payload, b"x" * payload)
    if payload < 65_536:
        return b"\x81\x7e%b%b" % (payload.to_bytes(2, "big"), b"x" * payload)
    return b"\x81\x7f%b%b" % (payload.to_bytes(8, "big"), b"x" * payload)


def accept(listener: socket.socket) -> list[socket.socket]:
    """Those who came before the publisher."""
    subscribers: list[socket.socket] = []
    while True:
        sock, _ = listener.accept()
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            data = sock.recv(4096)
            if not data:
                break
            head += data
        if not head:
            continue
        sock.sendall(ANSWER)
        if head.startswith(b"GET /publish"):
            sock.setblocking(False)
            return subscribers
        sock.sendall(b"\x81\x05ready")
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        subscribers.append(sock)


def send(subscribers: list[socket.socket], frame: bytes) -> None:
    rests = dict[socket.socket, memoryview]()
    while True:
        for sock in subscribers:
            data = rests.pop(sock, frame) if rests else frame
            try:
                sent = sock.send(data)
            except BlockingIOError:
                sent = 0
            if sent < len(data):
                rests[sock] = memoryview(data)[sent:]


def main(port: int, size: int) -> None:
    with socket.create_server(("127.0.0.1", port), backlog=4096) as listener:
        send(accept(listener), frame_of(size))


main(int(sys.argv[1]), int(sys.argv[2]))
