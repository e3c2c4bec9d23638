"""Numbers that the processes of one run share: each has one writer, anybody may read."""

import ctypes
import multiprocessing
from multiprocessing.context import SpawnContext

CONTEXT: SpawnContext = multiprocessing.get_context("spawn")
FLEETS = 4
PUBLISHED, STOP, HEADER = 0, 1, 4
PUBLISH, WAIT, LEAVE = range(3)  # what STOP says to the publisher

Board = ctypes.Array[ctypes.c_uint64]


def new_board() -> Board:
    return CONTEXT.RawArray(ctypes.c_uint64, HEADER + 2 * FLEETS)


def delivered(board: Board) -> int:
    """Samples, over all subscribers of all fleets."""
    return sum(board[HEADER : HEADER + FLEETS])


def received_bytes(board: Board) -> int:
    return sum(board[HEADER + FLEETS :])
