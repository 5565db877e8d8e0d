"""Store what ONNX Runtime makes of a small input of each pretrained net: the Go engine must agree (TestPretrainedNetsEqualONNXRuntime).

usage: golden.py CACHE    (the folder nets/ of the project's cache; python packages: numpy, onnxruntime)

Writes pretrained.bin beside this file. For each net: its name and a newline, then int32 height, width, cells a side, number of outputs; the
picture as bytes (3, cells, cells), each cell height/cells by width/cells pixels; for each output its name and a newline, int32 rank, its
dimensions, and float32 values.
"""
import glob
import pathlib
import sys

import numpy as np
import onnxruntime

NETS = {"movenet-multipose": (64, 96, 1.0), "movenet-thunder": (64, 64, 1.0), "centerface": (64, 64, 1.0), "faceboxes": (128, 128, 1 / 255)}
CELLS = 16


def main():
    rng = np.random.default_rng(7)
    onnxruntime.set_default_logger_severity(3)
    with open(pathlib.Path(__file__).parent / "pretrained.bin", "wb") as f:
        for name, (height, width, scale) in NETS.items():
            path = glob.glob(f"{sys.argv[1]}/{name}-*.onnx")[0]
            net = onnxruntime.InferenceSession(path)
            coarse = rng.integers(0, 256, (3, CELLS, CELLS), np.uint8)
            picture = np.repeat(np.repeat(coarse, height // CELLS, 1), width // CELLS, 2)[None].astype(np.float32) * np.float32(scale)
            ports = [p.name for p in net.get_outputs()]
            out = net.run(ports, {net.get_inputs()[0].name: picture})
            f.write(f"{name}\n".encode())
            np.array([height, width, CELLS, len(ports)], "<i4").tofile(f)
            coarse.tofile(f)
            for port, a in zip(ports, out):
                f.write(f"{port}\n".encode())
                np.array([a.ndim, *a.shape], "<i4").tofile(f)
                a.astype("<f4").tofile(f)


if __name__ == "__main__":
    main()
