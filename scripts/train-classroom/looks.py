"""What MoveNet Thunder or MultiPose sees of every labelled box and of its mirror image. usage: looks.py NET.onnx FOLDER NAME   (2 x 35 ms a box)

FOLDER/pose.bin and crops.csv, as `crops -boxes` makes them, are read; FOLDER/NAME.npz (looks of Thunder, looks-multipose of MultiPose) is written: K (N, 2, 86) as geometry.py describes it, crop and mirror image, F (N, 2, 1280)
float16, the last features' mean over the box. model/classroom/boxes.go does the same at run time, held to this by TestBoxesEqualTraining.
"""
import os
import sys

import numpy as np

from data import POSE_SIDE, Table
from pose import PoseNet

NAMES = "looks", "looks-multipose"  # of the files of the two nets
CELLS = POSE_SIDE // 32  # of the last features, a side
SIDE_IN_BOXES = 1.6  # vision/clip.Labelled
HEAD_COVER = .62, .75  # of a head box's square: how wide and high the student is taken to be


def covers(box, head):
    """boxes (N, 4), which are heads -> (N, 8, 8): the share of the mean that each cell of the last features has; a cell's half counts where the box ends in it."""
    w, h = box[:, 2], box[:, 3]
    side = SIDE_IN_BOXES * np.maximum(np.maximum(w, h), 1)

    def along(share):
        edges = np.arange(CELLS // 2 + 1) / (CELLS // 2)  # pairs of cells, as they were trained on
        low, high = np.maximum(edges[:-1], .5 - share[:, None] / 2), np.minimum(edges[1:], .5 + share[:, None] / 2)
        part = np.repeat(np.maximum(high - low, 0), 2, 1)
        return part / part.sum(1, keepdims=True)
    rows, columns = (along(np.where(head, fixed, v / side)) for fixed, v in ((HEAD_COVER[1], h), (HEAD_COVER[0], w)))
    return rows[:, :, None] * columns[:, None, :]


def main(net, folder, name):
    net = PoseNet(net)
    crops = np.memmap(os.path.join(folder, "pose.bin"), np.uint8, "r").reshape(-1, POSE_SIDE, POSE_SIDE, 3)
    table = Table(folder)
    cover = covers(table.box, table.head)
    pose, features = np.zeros((len(crops), 2, 86), np.float32), np.zeros((len(crops), 2, 1280), np.float16)
    for i, crop in enumerate(crops):
        for v, x in enumerate((crop, crop[:, ::-1])):
            pose[i, v], deep = net.look(x)
            features[i, v] = (deep * cover[i]).sum((1, 2))
        if i % 500 == 0:
            print(i, "of", len(crops), flush=True)
    np.savez(os.path.join(folder, f"{name}.npz"), K=pose, F=features)


if __name__ == "__main__":
    main(*sys.argv[1:])
