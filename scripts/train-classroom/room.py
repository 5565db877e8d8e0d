"""A room learns from itself: kernel ridge regression on what box says most surely of a room's own boxes, nothing of the training data, and no labels. What is said of a box is the geometric mean of box and of this, but for classes that too few boxes could teach.
usage: room.py WORK FOLDER...   FOLDERs and WORK as for boxes.py

Reads WORK/boxes-A.npy and boxes-B.npy and prints figures of the room that was held out: box alone; each picture in what is learned from (transductive, as `classlens eval` does it: model/classroom/room.go);
each half of the pictures, by time, judged by what the other half taught (inductive). Paired by picture: 95 % intervals of the differences from box alone.
"""
import os
import re
import sys

import numpy as np

import boxes
import judge
from data import EVENED, FEWEST, HELD_OUT

SUREST = .5  # share of the boxes said to be of a class that are learned from, the surest
CENTRES, RIDGE, SURE = 350, .3, 5.
TEACH = 5  # boxes of a class that are learned from, at least: with fewer nothing is taught about it
LEAST = (.05, .02)  # of the deviation of a feature, of a number


def placed(views, least):
    """Two views (N, D) on one scale, spread 1 all together."""
    both = np.concatenate(views)
    mean, scale = both.mean(0), 1 / (both.std(0) + least)
    views = [((v - mean) * scale).clip(-4, 4) for v in views]
    return [v / np.sqrt(views[0].var(0).sum()) for v in views]


def surest(p):
    """Indices of the boxes to learn from, in order."""
    said, keep = p.argmax(1), []
    for c in np.unique(said):
        of = np.flatnonzero(said == c)
        keep.extend(of[np.argsort(-p[of, c], kind="stable")[:int(np.ceil(SUREST * len(of)))]])
    return np.sort(keep)


def near(a, b):
    return np.exp(-np.maximum((a ** 2).sum(1)[:, None] + (b ** 2).sum(1) - 2 * a @ b.T, 0))


def learned(kinds, p, learn):
    """kinds: per kind two views (N, D), placed; p (N, 10) -> what the surest of the boxes `learn` (indices) teach of all, (N, 10)."""
    k = learn[surest(p[learn])]
    share = np.maximum(p[k].sum(0), FEWEST) ** -EVENED
    weight, centres, votes = p[k] @ share, k[::-(-len(k) // CENTRES)], 0
    weight = np.tile(weight / weight.mean(), 2)[:, None]
    wanted = np.tile(p[k], (2, 1)) - .1
    for views in kinds:
        c, x = (np.concatenate([v[i] for v in views]) for i in (centres, k))
        n = near(x, c)
        a = np.linalg.solve(n.T @ (n * weight) + RIDGE * near(c, c) + 1e-4 * np.eye(len(c)), n.T @ (wanted * weight))
        votes = votes + sum(.1 + near(v, c) @ a for v in views) / (2 * len(kinds))
    e = np.exp(SURE * (votes - votes.max(1, keepdims=True)))
    return e / e.sum(1, keepdims=True)


def decided(kinds, p, learn):
    """What box and the room's own boxes say together, (N, 10): the geometric mean; of classes that too few boxes could teach box alone."""
    few = np.bincount(p[learn[surest(p[learn])]].argmax(1), minlength=10) < TEACH
    q = np.where(few, 0, judge.together(p, learned(kinds, p, learn)))
    return np.where(few, p, q / q.sum(1, keepdims=True) * p[:, ~few].sum(1, keepdims=True))


def kinds_of(s, j):
    return [placed([v[j].astype(float) for v in views], least) for views, least in zip((s.deep, [np.c_[n, a] for n, a in zip(s.numbers, s.around)]), LEAST)]


def main(work, *folders):
    s = boxes.Boxes(folders)
    for fold in "AB":
        held, classes = s.held_out(fold), judge.CLASSES[HELD_OUT[fold]]
        y, image, p = s.y[held], s.image[held], judge.restricted(np.load(os.path.join(work, f"boxes-{fold}.npy"))[held].astype(float), classes)
        kinds, everyone = kinds_of(s, held), np.arange(len(held))
        number = np.array([int(re.findall("[0-9]+", i)[-1]) for i in image])  # in the order of time
        first = number < np.median(np.unique(number))
        halves = np.empty_like(p)
        for part in (first, ~first):
            halves[~part] = decided(kinds, p, np.flatnonzero(part))[~part]
        rows = {"box alone": p, "transductive": decided(kinds, p, everyone), "inductive": halves}
        for name, q in rows.items():
            judge.show(name, fold, y, q, image)
            print("  paired", judge.paired(y, p, q, image, classes).round(3).tolist())


if __name__ == "__main__":
    main(*sys.argv[1:])
