"""How often a peak of the net's map is a head: slope and shift that turn its logit into a probability (Platt 1999).

    python calibrate.py WEIGHTS.pt 'rendered/*' [WIDTH [EVERY]]

The rooms must not be those that were trained on; of their frames one in EVERY is looked at. Prints slope and shift (ownSlope and ownShift in vision/people/own.go), and
recall and precision by probability.
"""
import glob
import itertools
import sys

import cv2
import numpy as np
import torch

import pictures
from net import load

OVERLAP = 0.45  # as ownOverlap


def look(net, image, width=1280, least=0.05):
    """Heads as middle x, middle y, width, height (pixels of the picture), logit; the surest first."""
    H, W = image.shape[:2]
    k = np.sqrt(width * width * 9 / 16 / (H * W))
    w = round(W * k / 32) * 32
    h = round(H * w / W / 32) * 32
    x = cv2.resize(image, (w, h), interpolation=cv2.INTER_CUBIC if w > W else cv2.INTER_AREA)[:, :, ::-1].transpose(2, 0, 1)
    with torch.no_grad():
        y = net(torch.from_numpy(x[None].astype(np.float32) / 64 - 2))[0]
    peak = torch.nn.functional.max_pool2d(y[None, :1], 3, 1, 1)[0, 0]
    rows, cols = torch.where((y[0] == peak) & (torch.sigmoid(y[0]) > least))
    v = y[:, rows, cols].numpy()
    rows, cols = rows.numpy(), cols.numpy()
    boxes = np.stack([(cols + 0.5 + v[4]) * 4 * W / w, (rows + 0.5 + v[3]) * 4 * H / h, np.exp(v[2]) * 4 * W / w, np.exp(v[1]) * 4 * H / h, v[0]], 1)
    kept = []
    for b in boxes[np.argsort(-boxes[:, 4])]:
        corner = np.array([*(b[:2] - b[2:4] / 2), *b[2:4]])
        if not kept or pictures.iou(corner, np.array([[*(q[:2] - q[2:4] / 2), *q[2:4]] for q in kept])).max() < OVERLAP:
            kept.append(b)
    return np.array(kept).reshape(-1, 5)


def judge(found, heads, unsure):
    """(logit, is a head) of each found box that counts: its middle within half a head of one that no surer box has."""
    free, out = np.ones(len(heads), bool), []
    for x, y, _, _, logit in found:
        away = np.hypot((heads[:, 0] - x) / heads[:, 2], (heads[:, 1] - y) / heads[:, 3]) + 9 * ~free if len(heads) else np.array([9])
        j = int(away.argmin())
        if away[j] < 0.5:
            free[j] = False
            out.append((logit, 1))
        elif not any(u[0] <= x <= u[0] + u[2] and u[1] <= y <= u[1] + u[3] for u in unsure):
            out.append((logit, 0))
    return out


def fit(logit, true):
    """Logistic regression of one number, by Newton's steps."""
    x = np.stack([logit, np.ones_like(logit)], 1)
    w = np.array([1.0, 0.0])
    for _ in range(50):
        p = 1 / (1 + np.exp(-np.clip(x @ w, -30, 30)))
        w += np.linalg.solve((x * (p * (1 - p))[:, None]).T @ x + 1e-6 * np.eye(2), x.T @ (true - p))
    return w


def main():
    torch.set_num_threads(1)
    net = load(sys.argv[1])
    width = int(sys.argv[3]) if len(sys.argv) > 3 else 1280
    rows, heads = [], 0
    folders = sorted(glob.glob(sys.argv[2]))
    every = int(sys.argv[4]) if len(sys.argv) > 4 else 1
    for p in itertools.islice(pictures.rendered(folders, set()), 0, None, every):
        rows += judge(look(net, p.levels[0], width), p.heads, p.unsure)
        inside = (p.heads[:, 0] > 0) & (p.heads[:, 1] > 0) & (p.heads[:, 0] < p.levels[0].shape[1]) & (p.heads[:, 1] < p.levels[0].shape[0])
        heads += int(inside.sum())
    logit, true = np.array(rows, float).T
    slope, shift = fit(logit, true)
    print(f"{len(folders)} rooms, {heads} heads, {len(rows)} peaks: slope {slope:.2f} shift {shift:.2f}")
    p = 1 / (1 + np.exp(-(slope * logit + shift)))
    for bar in (0.1, 0.25, 0.4, 0.5, 0.7, 0.9):
        k = p >= bar
        print(f"p >= {bar:.2f}: recall {true[k].sum() / heads:.3f} precision {true[k].mean():.3f}")


if __name__ == "__main__":
    main()
