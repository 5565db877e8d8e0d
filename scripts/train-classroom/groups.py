"""Boxes round several made-up students who talk: ClaBehavior's `discuss` is one box round a group, which its room A and boxes round rendered students do not have.
usage: groups.py THUNDER.onnx MULTIPOSE.onnx RENDERED WORK   (4 x 35 ms a group)

WORK/boxes-made/crops.csv is read, and the pictures of RENDERED. Who talks is put into one box with the neighbour, or the two next neighbours, those who talk too before all others; who
stands or raises a hand belongs to no group. WORK/groups is written as `crops -boxes` and looks.py, run for both nets, leave a folder, without the crops themselves.
"""
import csv
import os
import sys

import cv2
import numpy as np

from data import POSE_SIDE
from looks import NAMES, SIDE_IN_BOXES, covers
from pose import PoseNet

TALK = "discuss"
REACH = 1.6, .8  # how far neighbours are, in mean widths and heights of the two boxes
PAIRS = .6  # share of groups of two, the others are of three
COLUMNS = ["set", "room", "image", "label", "x", "y", "w", "h", "square_x", "square_y", "square_side"]


def neighbours(i, rows, box):
    """The students near student i, the nearest first: those who talk, or where there are none the others."""
    middle = box[:, :2] + box[:, 2:] / 2
    apart = (np.abs(middle - middle[i]) / (np.array(REACH) * (box[:, 2:] + box[i, 2:]) / 2)).max(1)
    near = [j for j in np.argsort(apart) if j != i and apart[j] < 1 and rows[j]["label"] not in ("raise_hand", "stand")]
    return [j for j in near if rows[j]["label"] == TALK] or near


def groups(rows, rng):
    """Yields the boxes (x, y, w, h) round groups of one picture's students."""
    box, seen = np.array([[float(r[c]) for c in "xywh"] for r in rows]), set()
    for i, r in enumerate(rows):
        near = neighbours(i, rows, box) if r["label"] == TALK else []
        together = tuple(sorted([i] + near[:1 if rng.random() < PAIRS else 2])) if near else ()
        if together and together not in seen:
            seen.add(together)
            low, high = box[list(together), :2].min(0), (box[list(together), :2] + box[list(together), 2:]).max(0)
            yield np.r_[low, high - low]


def cut(picture, box):
    """(POSE_SIDE, POSE_SIDE, 3) RGB: the square round a box, as vision/clip.Labelled."""
    side = round(SIDE_IN_BOXES * max(box[2], box[3]))
    x, y = (round(v + side) for v in box[:2] + box[2:] / 2 - side / 2)
    square = cv2.copyMakeBorder(picture, side, side, side, side, cv2.BORDER_REPLICATE)[y:y + side, x:x + side]
    return cv2.resize(square, (POSE_SIDE, POSE_SIDE), interpolation=cv2.INTER_AREA if side > POSE_SIDE else cv2.INTER_LINEAR)[:, :, ::-1]


def pictures(file):
    """The rows of each picture in which somebody talks."""
    by = {}
    with open(file, newline="") as f:
        for r in csv.DictReader(f):
            by.setdefault(r["image"], []).append(r)
    return [rows for rows in by.values() if any(r["label"] == TALK for r in rows)]


def main(thunder, multipose, rendered, work):
    nets, rng = [PoseNet(thunder), PoseNet(multipose)], np.random.default_rng(0)
    table, seen = [], [[] for _ in nets]
    for rows in pictures(os.path.join(work, "boxes-made", "crops.csv")):
        first, picture = rows[0], cv2.imread(os.path.join(rendered, rows[0]["image"]))
        for box in groups(rows, rng):
            table.append([first["set"], first["room"], first["image"], TALK, *("%.2f" % v for v in box), 0, 0, 1])
            cover, crop = covers(box[None], np.zeros(1, bool))[0], cut(picture, box)
            for net, to in zip(nets, seen):
                to.append([(pose, (deep * cover).sum((1, 2)).astype(np.float16)) for pose, deep in map(net.look, (crop, crop[:, ::-1]))])
    out = os.path.join(work, "groups")
    os.makedirs(out, exist_ok=True)
    with open(os.path.join(out, "crops.csv"), "w", newline="") as f:
        csv.writer(f).writerows([COLUMNS] + table)
    for name, boxes in zip(NAMES, seen):
        np.savez(os.path.join(out, f"{name}.npz"), K=np.array([[p for p, _ in views] for views in boxes]), F=np.array([[f for _, f in views] for views in boxes]))
    open(os.path.join(out, "heads.bin"), "wb").close()  # none of them is a head
    print(len(table), "groups")


if __name__ == "__main__":
    main(*sys.argv[1:])
