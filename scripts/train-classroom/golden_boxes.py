"""Write made-up glimpses of labelled boxes with what the training's own code and ONNX Runtime make of them: the Go program must agree (TestBoxesEqualTraining).

usage: golden_boxes.py NET.onnx OUT.bin

OUT: int32 N; float32 boxes (N, 4); bytes head (N), picture (N), camera (N); two views of pose (N, 86) by two nets, features (N, 1280) and of heads outlines (H, 1764) as bytes, value = byte/255; then float32 the shares
of coverage (N, 8, 8) and behaviour (N, 10).
"""
import sys

import numpy as np
import onnxruntime
import torch

import boxes
import geometry
import judge
import looks
from data import median_of


def main(net, out):
    rng, n = np.random.default_rng(2), 24
    box = np.float32(np.c_[rng.uniform(0, 900, n), rng.uniform(0, 500, n), rng.uniform(30, 120, n), rng.uniform(30, 150, n)])
    head, picture = np.arange(n) >= 20, np.minimum(np.arange(n) // 9, 3)
    picture[20:] = 4
    camera = (picture > 1).astype(np.uint8)  # two pictures of one camera, the others of another
    pose, features = rng.integers(0, 256, (2, 2, n, geometry.POSE), np.uint8), rng.integers(0, 256, (2, n, 1280), np.uint8)  # by view, and by net
    outlines = rng.integers(0, 64, (2, head.sum(), boxes.OUTLINES), np.uint8)
    place = np.c_[box[:, 0] + box[:, 2] / 2, boxes.DOWN * (box[:, 1] + box[:, 3] / 2)]
    session, views = onnxruntime.InferenceSession(net), []
    for v in (0, 1):
        seen = {"features": features[v].astype(np.float32) / 255}
        for name, shape, x in (("", [boxes.shape_of(box, head, picture)], pose[v, 0]), ("second_", [], pose[v, 1])):
            x = x.astype(np.float32) / 255
            direction = geometry.geometry(torch.from_numpy(x))[1].numpy()
            around = np.c_[direction - median_of(direction, picture), *shape, boxes.less_near(direction, place, picture, boxes.NEAR_PICTURE),
                           boxes.less_near(direction, place, camera, boxes.NEAR_ROOM)].astype(np.float32)
            seen |= {name + "pose": x, name + "around": around}
        told = np.zeros((n, boxes.OUTLINES), np.float32)
        told[head] = outlines[v].astype(np.float32) / 255
        views.append(session.run(["behaviour"], seen | {"head": told})[0])
    with open(out, "wb") as f:
        np.array([n], "<i4").tofile(f)
        box.astype("<f4").tofile(f)
        for a in (head, picture, camera):
            a.astype(np.uint8).tofile(f)
        for v in (0, 1):
            pose[v].tofile(f)
            features[v].tofile(f)
            outlines[v].tofile(f)
        looks.covers(box, head).astype("<f4").tofile(f)
        judge.together(*views).astype("<f4").tofile(f)


if __name__ == "__main__":
    main(*sys.argv[1:])
