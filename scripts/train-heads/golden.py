"""Stores what ONNX Runtime makes of a small input of the head detector: the engine must agree (TestOwnNetEqualsONNXRuntime).

usage: golden.py HEADS.onnx GOLDEN.bin

Written: int32 height, width, cells a side; the picture as bytes (3, cells, cells), each cell height/cells by width/cells pixels;
float32 output (5, height/4, width/4).
"""
import sys

import numpy as np
import onnxruntime

HEIGHT, WIDTH, CELLS = 64, 96, 16


def main():
    rng = np.random.default_rng(11)
    coarse = rng.integers(0, 256, (3, CELLS, CELLS), np.uint8)
    picture = np.repeat(np.repeat(coarse, HEIGHT // CELLS, 1), WIDTH // CELLS, 2)[None].astype(np.float32) / 64 - 2
    out = onnxruntime.InferenceSession(sys.argv[1]).run(None, {"picture": picture})[0]
    with open(sys.argv[2], "wb") as f:
        np.array([HEIGHT, WIDTH, CELLS], "<i4").tofile(f)
        coarse.tofile(f)
        out.astype("<f4").tofile(f)


if __name__ == "__main__":
    main()
