"""Write a small input of a classroom network with what ONNX Runtime makes of it: the Go engine must agree.

usage: golden.py NET.onnx OUT.bin    (python packages: numpy, onnxruntime)

OUT: int32 B, T, S; pictures as bytes (B*T, 5, 12, 12), scaled to S x S by repeating, value = byte/127.5 - 1; then float32: offset (B, T), seen (B, T) and the outputs in
NAMES' order. For the large network S is 0 and, in place of the pictures, come pose (B*T, 86) and features (B*T, 3840) as bytes, value = byte/255.
"""
import sys

import numpy as np
import onnxruntime

STEPS, STUDENTS, CELLS = 5, 2, 12
NAMES = ["behaviour", "attention", "engagement", "moments", "embedding"]


def main():
    rng = np.random.default_rng(1)
    net = onnxruntime.InferenceSession(sys.argv[1])
    shapes = {i.name: i.shape for i in net.get_inputs()}
    n = STUDENTS * STEPS
    if "pose" in shapes:
        size, stored = 0, [rng.integers(0, 256, (n, shapes[k][1]), np.uint8) for k in ("pose", "features")]
        feed = {k: s.astype(np.float32) / 255 for k, s in zip(("pose", "features"), stored)}
    else:
        size, stored = shapes["picture"][3], [rng.integers(0, 256, (n, 5, CELLS, CELLS), np.uint8)]
        at = np.arange(size) * CELLS // size
        feed = {"picture": stored[0][:, :, at][:, :, :, at].astype(np.float32) / 127.5 - 1}
    offset = np.float32([[-2.0, -1, 0, 1, 2], [-1.9, -1.1, 0, 0.8, 2.2]])
    seen = np.float32([[1.0, 1, 1, 1, 1], [0, 1, 1, 0, 1]])
    out = net.run(NAMES, {**feed, "offset": offset, "seen": seen})
    with open(sys.argv[2], "wb") as f:
        np.array([STUDENTS, STEPS, size], "<i4").tofile(f)
        for s in stored:
            s.tofile(f)
        for a in (offset, seen, *out):
            a.astype("<f4").tofile(f)


if __name__ == "__main__":
    main()
