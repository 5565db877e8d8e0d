"""The cut pictures of a folder (crops/main.go) with their labels, and what Thunder saw of them (pose.py)."""
import csv
import os

import numpy as np
import torch

import geometry

BEHAVIOURS = ["look_forward", "read", "write", "raise_hand", "turn", "stand", "discuss", "phone", "head_down", "other"]
READ_AS = {"lookup": "look_forward", "turn_head": "turn", "down": "head_down", "lookaround": "turn", "up": "look_forward"}  # configs/labels.yaml
STORED, POSE_SIDE = 160, 256  # pixels a side, of pixels.bin and pose.bin
# The loss evens classes out by n^-EVENED, n crops a class, few counting as FEWEST: without, hands are never found. But a network so taught expects as many hands as heads that look
# forward, which no lesson has; what ships expects half of that: UNDONE of the power is given back to its probabilities.
EVENED, UNDONE, FEWEST = .7, .35, 20


class Table:
    """crops.csv: behaviour, room, picture and set of each crop."""

    def __init__(self, folder):
        with open(os.path.join(folder, "crops.csv"), newline="") as f:
            rows = list(csv.DictReader(f))
        self.y = np.array([BEHAVIOURS.index(READ_AS.get(r["label"], r["label"])) for r in rows])
        self.room = np.array([r["room"] for r in rows])
        self.image = np.array([r["set"] + r["room"] + r["image"] for r in rows])
        self.real = np.array([r["set"] != "rendered" for r in rows])
        self.head = np.array([r["set"] == "cctv" for r in rows])  # labelled boxes are heads, not heads and upper bodies
        self.box = np.array([[float(r[k]) for k in "xywh"] for r in rows])
        self.square = np.array([[float(r[k]) for k in ("square_x", "square_y", "square_side")] for r in rows])


class Students:
    """Everything about the crops of several folders; each holds pose.npz."""

    def __init__(self, folders):
        tables = [Table(f) for f in folders]
        for name in ("y", "room", "image", "real"):
            setattr(self, name, np.concatenate([getattr(t, name) for t in tables]))
        stored = [np.load(os.path.join(f, "pose.npz")) for f in folders]
        self.pose = np.concatenate([z["K"] for z in stored])
        self.deep = np.concatenate([z["F"].astype(np.float32) for z in stored])
        pose = torch.from_numpy(self.pose)
        self.numbers, self.direction = (v.numpy() for v in geometry.geometry(pose))
        self.attends = median_of(self.direction, self.image)

    def training(self, fold):
        """Crops that a fold trains on: A and B are ClaBehavior's rooms, 1 and 2 the time blocks of the CCTV set, all is what ships."""
        if fold in ("A", "B"):
            return np.flatnonzero(np.isin(self.room, [fold, "1", "2"]) | ~self.real)
        return np.flatnonzero(self.room != HELD_OUT[fold])

    def held_out(self, fold):
        return np.flatnonzero(self.room == HELD_OUT[fold])


HELD_OUT = {"A": "B", "B": "A", "1": "2", "2": "1", "all": ""}


def median_of(values, image):
    """Each row's picture's median."""
    out = np.empty_like(values)
    _, group = np.unique(image, return_inverse=True)
    for i in range(group.max() + 1):
        out[group == i] = np.median(values[group == i], 0)
    return out


def weights(students, rendered=.5, power=EVENED):
    """Of the loss: n^-power a class of n crops, rendered ones less."""
    count = np.bincount(students.y, minlength=len(BEHAVIOURS)).astype(float)
    w = np.where(count > 0, np.maximum(count, FEWEST) ** -power, 0)[students.y]
    return w / w.mean() * np.where(students.real, 1, rendered)


def usual(y):
    """(10) factors of the probabilities of a network that was trained on crops of the classes y: how much more usual each class is than the weights of the loss made it."""
    return np.maximum(np.bincount(y, minlength=len(BEHAVIOURS)), FEWEST) ** UNDONE
