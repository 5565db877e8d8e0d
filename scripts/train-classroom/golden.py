"""Write a small input of the classroom network with what ONNX Runtime makes of it: the Go engine must agree.

usage: golden.py NET.onnx OUT.bin    (python packages: numpy, onnxruntime)

OUT: int32 B, T, S; pictures as bytes (B*T, 5, 12, 12), each S/12 pixels wide and high, value = byte/127.5 - 1; then float32: offset (B, T), seen (B, T) and the outputs in NAMES' order.
"""
import sys

import numpy as np
import onnxruntime

SIZE, STEPS, STUDENTS = 96, 5, 2
NAMES = ["behaviour", "attention", "engagement", "moments", "embedding"]


def main():
    rng = np.random.default_rng(1)
    coarse = rng.integers(0, 256, (STUDENTS * STEPS, 5, 12, 12), np.uint8)
    pixels = np.repeat(np.repeat(coarse, SIZE // 12, 2), SIZE // 12, 3)
    offset = np.float32([[-2.0, -1, 0, 1, 2], [-1.9, -1.1, 0, 0.8, 2.2]])
    seen = np.float32([[1.0, 1, 1, 1, 1], [0, 1, 1, 0, 1]])
    net = onnxruntime.InferenceSession(sys.argv[1])
    out = net.run(NAMES, {"picture": pixels.astype(np.float32) / 127.5 - 1, "offset": offset, "seen": seen})
    with open(sys.argv[2], "wb") as f:
        np.array([STUDENTS, STEPS, SIZE], "<i4").tofile(f)
        coarse.tofile(f)
        for a in (offset, seen, *out):
            a.astype("<f4").tofile(f)


if __name__ == "__main__":
    main()
