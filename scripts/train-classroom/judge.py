"""Figures of held-out crops: accuracy, F5, five postures, calibration, coverage; 95 % intervals by bootstrap over pictures.
usage: judge.py WORK NAME   reads WORK/NAME-{A,B,1,2}.npy (NAME: boxes, large, m or s, or large+m, which decide together as size l), fits the temperature and prints coverage against accuracy. All but boxes are judged as they ship: what is
usual in a lesson (data.usual) counts.
"""
import os
import sys

import numpy as np

from data import BEHAVIOURS, HELD_OUT, Table, usual

CLASSES = {"A": range(7), "B": range(7), "1": (0, 4, 7, 8), "2": (0, 4, 7, 8)}  # behaviours that the set knows, by room
F5 = [BEHAVIOURS.index(b) for b in ("write", "read", "look_forward", "turn", "raise_hand")]  # enough examples of these in both rooms of ClaBehavior
OFF_TASK = [BEHAVIOURS.index(b) for b in ("turn", "phone", "head_down")]  # by configs/labels.yaml
ON_TASK = [k for k, b in enumerate(BEHAVIOURS) if k not in OFF_TASK and b != "other"]
M_TEMPERATURE = 1.3  # with which m ships, and decides together with l
POSTURE = np.array([1, 0, 0, 3, 2, 4, 2, 0, 0, 0])  # working, front, turned or talking, hand up, standing


def together(*probabilities):
    """Geometric mean."""
    q = np.exp(np.mean([np.log(p + 1e-3) for p in probabilities], 0))
    return q / q.sum(1, keepdims=True)


def restricted(p, classes):
    """What is left when only these classes can be, as `classlens eval` does it."""
    q = np.zeros_like(p)
    q[:, list(classes)] = p[:, list(classes)]
    if len(classes) == 4:  # the CCTV set's down may be writing or reading (configs/labels.yaml)
        q[:, 8] += p[:, 1] + p[:, 2]
    return q / np.maximum(q.sum(1, keepdims=True), 1e-9)


def f1(y, said, n=10):
    table = np.zeros((n, n))
    np.add.at(table, (y, said), 1)
    both = table.sum(0) + table.sum(1)
    return np.where(both > 0, 2 * np.diag(table) / np.maximum(both, 1), 0)


def figures(y, p, classes):
    """Accuracy, F5 (CCTV: macro-F1), and of ClaBehavior accuracy and macro-F1 of the five postures."""
    said = p.argmax(1)
    f = f1(y, said)
    if len(classes) != 7:
        return (y == said).mean(), f[[k for k in classes if (y == k).any()]].mean()
    posture = np.stack([p[:, POSTURE == k].sum(1) for k in range(5)], 1).argmax(1)
    return (y == said).mean(), f[F5].mean(), (POSTURE[y] == posture).mean(), f1(POSTURE[y], posture, 5).mean()


def intervals(y, p, image, classes, draws=300):
    rng = np.random.RandomState(0)
    _, group = np.unique(image, return_inverse=True)
    members = [np.flatnonzero(group == i) for i in range(group.max() + 1)]
    drawn = []
    for _ in range(draws):
        j = np.concatenate([members[i] for i in rng.randint(0, len(members), len(members))])
        drawn.append(figures(y[j], p[j], classes))
    return np.percentile(drawn, [2.5, 97.5], 0)


def paired(y, p, q, image, classes, draws=300):
    """95 % intervals of the differences of figures from p to q, (figures, 2)."""
    rng, both = np.random.RandomState(0), []
    _, group = np.unique(image, return_inverse=True)
    members = [np.flatnonzero(group == i) for i in range(group.max() + 1)]
    for _ in range(draws):
        j = np.concatenate([members[i] for i in rng.randint(0, len(members), len(members))])
        both.append(np.subtract(figures(y[j], q[j], classes), figures(y[j], p[j], classes)))
    return np.percentile(both, [2.5, 97.5], 0).T


def calibration_error(y, p, bins=10):
    sure, right = p.max(1), p.argmax(1) == y
    at = np.minimum((sure * bins).astype(int), bins - 1)
    return sum((at == b).mean() * abs(sure[at == b].mean() - right[at == b].mean()) for b in range(bins) if (at == b).any())


def show(name, fold, y, p, image):
    classes = CLASSES[HELD_OUT[fold]]
    p = restricted(p, classes)
    low, high = intervals(y, p, image, classes)
    values = " ".join("%.3f [%.2f, %.2f]" % v for v in zip(figures(y, p, classes), low, high))
    commonest = np.bincount(y).max() / len(y)
    print(f"{fold}>{HELD_OUT[fold]} {name}: {values}, commonest {commonest:.3f}, ECE {calibration_error(y, p):.3f}, F1", np.round(f1(y, p.argmax(1))[list(classes)], 2), flush=True)


def tempered(p, t):
    q = np.exp(np.log(p + 1e-6) / t)
    return q / q.sum(1, keepdims=True)


def temperature(parts):
    """That of the least negative log likelihood, rooms weighing alike."""
    def loss(t):
        return sum(-np.log(part.said(t)[np.arange(len(part.y)), part.y] + 1e-9).mean() for part in parts)
    return min(np.arange(.5, 6, .1), key=loss)


class Held:
    """A network's probabilities for the crops of a room that its fold did not see."""

    def __init__(self, y, p, image, usual, classes):
        self.y, self.p, self.image, self.usual, self.classes = y, p, image, usual, classes

    def said(self, t):
        return restricted(tempered(self.p, t) * self.usual, self.classes)

    def attention(self, t):
        """What is read as attention where no class is left out, as at run time: off task or not, the probability of that, the truth."""
        q = tempered(self.p, t) * self.usual
        on, off = q[:, ON_TASK].sum(1), q[:, OFF_TASK].sum(1)
        said = np.isin(q.argmax(1), OFF_TASK)
        return said, np.where(said, off, on) / (on + off), np.isin(self.y, OFF_TASK)


def held_out(work, name):
    """{fold: Held} of the folds that WORK has."""
    real, made = (Table(os.path.join(work, f)) for f in ("real", "made"))
    parts = {}
    for fold in "AB12":
        files = [os.path.join(work, f"{n}-{fold}.npy") for n in name.split("+")]
        if not all(os.path.exists(f) for f in files):
            continue
        held = real.room == HELD_OUT[fold]
        seen = np.isin(real.room, [fold, "1", "2"]) if fold in "AB" else ~held
        factors = np.ones(len(BEHAVIOURS)) if name == "boxes" else usual(np.r_[real.y[seen], made.y])
        p = [np.load(f)[np.flatnonzero(held)] for f in files]
        if len(p) == 2:  # each with its own temperature, and what is usual, as they ship
            p = [together(*(restricted(q * factors, range(len(BEHAVIOURS))) for q in (p[0], tempered(p[1], M_TEMPERATURE))))]
            factors = np.ones(len(BEHAVIOURS))
        parts[fold] = Held(real.y[held], p[0], real.image[held], factors, CLASSES[HELD_OUT[fold]])
    return parts


def main(work, name):
    parts = held_out(work, name)
    t = temperature(parts.values())
    print("temperature %.1f" % t)
    for fold, part in parts.items():
        others = temperature([v for k, v in parts.items() if k != fold])
        show(name, fold, part.y, part.said(others), part.image)
        print(f"room {HELD_OUT[fold]}: ECE {calibration_error(part.y, part.said(1)):.3f}, with the other rooms' temperature {others:.1f} {calibration_error(part.y, part.said(others)):.3f}")
    for least in (0, .3, .35, .4, .45, .5, .6, .7):
        line = []
        for fold, part in parts.items():
            q = part.said(t)
            sure = q.max(1) >= least
            line.append("room %s %.2f of the boxes %.3f right" % (HELD_OUT[fold], sure.mean(), (q.argmax(1) == part.y)[sure].mean() if sure.any() else np.nan))
        print("p >= %.2f:" % least, "; ".join(line))
    for least in (0, .5, .6, .7, .8, .9):
        line = []
        for fold, part in parts.items():
            if fold not in "AB":
                continue  # whether a head is down over work or in sleep the CCTV set does not tell
            said, p, off = part.attention(t)
            known, behaviour = p >= least, part.said(t).max(1) >= .4
            line.append("room %s %.2f known, %.3f of them right, off task %.3f (truth %.3f); by behaviour p >= .40: %.2f, %.3f" % (HELD_OUT[fold], known.mean(),
                        (said == off)[known].mean(), said[known].mean(), off.mean(), behaviour.mean(), (said == off)[behaviour].mean()))
        print("attention p >= %.2f:" % least, "; ".join(line))


if __name__ == "__main__":
    main(*sys.argv[1:])
