"""Judges single looks of head detectors in rooms: one that a net was trained without (train.py --without) and the same for others.

    python judge.py --data ../shared/data --labels heads.json --rendered 'rooms/*' NAME=WEIGHTS.pt NAME=heads.onnx NAME=found.json ...

Pictures: CCTV (heads drawn by hand; and again without the finds on the date and time in the picture), room B of ClaBehavior (heads on which CenterFace
and MoveNet agree, unsure places not judged; and how many of the boxes that a person drew about a student have a head), one in --every of the frames of
rendered rooms (exact). found.json is written by label/ from what --dump DIR stores (`label -net centerface -width 1280 DIR/*.png`): detectors of the
program. A net's logit becomes a score by the slope and shift fitted on the rendered rooms (calibrate.py), as for weights that ship; a found.json has
scores. Average precision does not depend on that: it is the area under precision (the best at this recall or more) over recall. Brackets: 95 % of 2,000
draws of the pictures, the same ones for all detectors; the differences are to the first one named. They tell nothing about rooms that are not here.
"""
import argparse
import glob
import json
import os

import cv2
import numpy as np
import torch

import calibrate
import pictures
from net import load

BARS = (0.25, 0.5)
TEXT = ((0.03, 0.04, 0.6, 0.095), (0.71, 0.88, 0.18, 0.1))  # of the CCTV room: date and time, and its number; shares of the picture
NO_TEXT, DRAWN = "cctv, nothing judged on the text burnt into it", "B's drawn boxes"


class Exported:
    """An exported net, called as a HeadNet is."""

    def __init__(self, path):
        import onnxruntime

        one = onnxruntime.SessionOptions()
        one.intra_op_num_threads = one.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(path, one, providers=["CPUExecutionProvider"])

    def __call__(self, x):
        return torch.from_numpy(self.session.run(None, {"picture": x.numpy()})[0])


def label(p):
    return f"{p.source}-{os.path.splitext(p.name)[0]}"


def looker(path, width):
    """Of a file of weights or of found heads: picture to rows of middle x, middle y, width, height, logit, the surest first."""
    if not path.endswith(".json"):
        net = Exported(path) if path.endswith(".onnx") else load(path)
        return lambda p: calibrate.look(net, p.levels[0], width)
    seen = {os.path.splitext(l["file"])[0]: np.array(l["Heads"]).reshape(-1, 5) for l in pictures.read_labels(path)}

    def look(p):
        x, y, w, h, score = seen[label(p)].T
        score = np.clip(score, 1e-6, 1 - 1e-6)
        rows = np.stack([x + w / 2, y + h / 2, w, h, np.log(score / (1 - score))], 1)
        return rows[np.argsort(-rows[:, 4])]

    return look


def drawn(found, students):
    """(logit, 1) of each found head that is the first in a drawn box, of several boxes in the one whose upper middle is nearest."""
    free, out = np.ones(len(students), bool), []
    for x, y, _, _, logit in found:
        bx, by, bw, bh = students.T
        inside = free & (bx < x) & (x < bx + bw) & (by - 0.1 * bh < y) & (y < by + 0.7 * bh)
        if inside.any():
            j = int(np.where(inside, np.hypot((bx + bw / 2 - x) / bw, (by + 0.2 * bh - y) / bh), np.inf).argmin())
            free[j] = False
            out.append((logit, 1))
    return out


class Judged:
    """What one detector found in the pictures of one source: rows of (logit, is a head, number of the picture), the surest first, and heads per picture."""

    def __init__(self, rows, heads):
        self.rows = np.array(rows, float).reshape(-1, 3)
        self.rows = self.rows[np.argsort(-self.rows[:, 0], kind="stable")]
        self.heads = np.array(heads, float)

    def curve(self, times):
        """Recall and precision down to each row, where picture i counts times[i] times."""
        w = times[self.rows[:, 2].astype(int)]
        true, all_ = np.cumsum(w * self.rows[:, 1]), np.cumsum(w)
        return true / (times * self.heads).sum(), true / np.maximum(all_, 1e-9)

    def figures(self, times, scores):
        """Average precision, then recall and precision at each of BARS, then the same at the threshold of the best F1 and that score."""
        recall, precision = self.curve(times)
        best = np.maximum.accumulate(precision[::-1])[::-1]
        out = [np.diff(recall, prepend=0) @ best]
        for bar in BARS:
            k = int((scores >= bar).sum()) - 1
            out += [recall[k], precision[k]] if k >= 0 else [0, 1]
        i = int((2 * recall * precision / np.maximum(recall + precision, 1e-9)).argmax())
        return np.array([*out, recall[i], precision[i], scores[i]])


def main():
    a = argparse.ArgumentParser()
    a.add_argument("--data", required=True, help="folder with clabehavior/ and cctv/")
    a.add_argument("--labels", required=True, help="heads.json of label/")
    a.add_argument("--rendered", required=True, help="pattern of folders of rendered rooms that were not trained on")
    a.add_argument("--every", type=int, default=6, help="of the rendered rooms' frames one in so many")
    a.add_argument("--width", type=int, default=1280, help="input's width for nets, pixels")
    a.add_argument("--dump", default="", help="write the pictures into this folder and stop")
    a.add_argument("detectors", nargs="*", metavar="NAME=FILE")
    o = a.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    sets = {
        "cctv": list(pictures.cctv(o.data)),
        "B": [p for p in pictures.clabehavior(o.data, o.labels, set()) if p.source == "B"],
        "rendered": list(pictures.rendered(sorted(glob.glob(o.rendered)), set()))[:: o.every],
    }
    if o.dump:
        os.makedirs(o.dump, exist_ok=True)
        for p in (p for found in sets.values() for p in found):
            cv2.imwrite(f"{o.dump}/{label(p)}.png", p.levels[0])
        return
    for p in (p for found in sets.values() for p in found):  # heads whose middle is out of the picture are not judged
        h, w = p.levels[0].shape[:2]
        x, y, hw, hh = p.heads.T
        inside = (x > 0) & (y > 0) & (x < w) & (y < h)
        away = p.heads[~inside]
        p.heads, p.unsure = p.heads[inside], np.vstack([p.unsure, np.hstack([away[:, :2] - away[:, 2:] / 2, away[:, 2:]])])
    judged, scale = {}, {}
    for name, path in (d.split("=", 1) for d in o.detectors):
        look = looker(path, o.width)
        for source, found in sets.items():
            rows, boxes, textless = [], [], []
            for i, p in enumerate(found):
                seen = look(p)
                rows += [(*r, i) for r in calibrate.judge(seen, p.heads, p.unsure)]
                boxes += [(*r, i) for r in drawn(seen, p.students)]
                h, w = p.levels[0].shape[:2]
                textless += [(*r, i) for r in calibrate.judge(seen, p.heads, [*p.unsure, *(np.array(TEXT) * (w, h, w, h))])]
            judged[name, source] = Judged(rows, [len(p.heads) for p in found])
            if source == "cctv":
                judged[name, NO_TEXT] = Judged(textless, [len(p.heads) for p in found])
            if source == "B":
                judged[name, DRAWN] = Judged(boxes, [len(p.students) for p in found])
        fitted = judged[name, "rendered"].rows
        scale[name] = (1, 0) if path.endswith(".json") else calibrate.fit(fitted[:, 0], fitted[:, 1])
        print(f"{name}: slope {scale[name][0]:.2f} shift {scale[name][1]:.2f}", flush=True)
    names = list(scale)
    rng = np.random.default_rng(0)
    for source in ("cctv", NO_TEXT, "B", DRAWN, "rendered"):
        heads = judged[names[0], source].heads
        draws = rng.multinomial(len(heads), np.full(len(heads), 1 / len(heads)), 2000).astype(float)
        print(f"\n{source}: {len(heads)} pictures, {int(heads.sum())} heads\n| | AP | recall, precision at {BARS[0]} | at {BARS[1]} | at the best F1 (score) | AP less the first's |\n|---|---|---|---|---|---|")
        first = None
        for name in names:
            j = judged[name, source]
            slope, shift = scale[name]
            scores = 1 / (1 + np.exp(-(slope * j.rows[:, 0] + shift)))
            plain = j.figures(np.ones(len(heads)), scores)
            drawn_ = np.array([j.figures(t, scores) for t in draws])
            low, high = np.quantile(drawn_, [0.025, 0.975], axis=0)
            text = [f"{v:.3f} [{a:.3f}, {b:.3f}]" for v, a, b in zip(plain, low, high)]
            if first is None:
                first, away = (plain, drawn_), ""
            else:
                a, b = np.quantile(drawn_[:, 0] - first[1][:, 0], [0.025, 0.975])
                away = f"{plain[0] - first[0][0]:+.3f} [{a:+.3f}, {b:+.3f}]"
            if source == DRAWN:  # not every student has one: precision means nothing
                print(f"| {name} | | {text[1]} | {text[3]} | | |")
            else:
                print(f"| {name} | {text[0]} | {text[1]}, {text[2]} | {text[3]}, {text[4]} | {plain[5]:.3f}, {plain[6]:.3f} ({plain[7]:.2f}) | {away} |")


if __name__ == "__main__":
    main()
