"""Write what room.py makes of made-up boxes: the Go program must agree (TestRoomEqualsTraining). usage: golden_room.py OUT.bin

The boxes are drawn by a rule that both know; OUT: float32 (BOXES, 10), what the room's own boxes teach, and as much that box and they say together.
"""
import sys

import numpy as np

import room

BOXES, WIDE = 800, (6, 4)  # of the two kinds of features
VIEWS = 2
RARE = .15


def drawn(n, at=[1]):
    """(n): the next bytes of a linear congruential generator (ANSI C's), as shares of 1."""
    out = []
    for _ in range(n):
        at[0] = (1103515245 * at[0] + 12345) % 2 ** 31
        out.append((at[0] >> 16 & 255) / 255)
    return np.array(out)


def main(out):
    views = [[drawn(BOXES * w).reshape(BOXES, w) for _ in range(VIEWS)] for w in WIDE]
    p = .02 + drawn(BOXES * 10).reshape(BOXES, 10) ** 4
    p[:, -1] *= RARE  # too rare to teach anything
    p /= p.sum(1, keepdims=True)
    kinds = [room.placed(v, least) for v, least in zip(views, room.LEAST)]
    np.concatenate([f(kinds, p, np.arange(BOXES)) for f in (room.learned, room.decided)]).astype("<f4").tofile(out)


if __name__ == "__main__":
    main(*sys.argv[1:])
