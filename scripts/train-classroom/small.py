"""The small network: Lightning's first ten blocks on 80 pixels, blocks 7 to 10 and the head trained, taught by the large one's teacher.
usage: small.py LIGHTNING.onnx WORK FOLD FOLDER...   (FOLDERs as for large.py, with views.npy; WORK/teacher-FOLD.npy). Writes WORK/small-FOLD.pt and .npy.
"""
import os
import sys

import numpy as np
import torch
import torch.nn.functional as F

import fit
import geometry
import judge
import trunk
from data import Students, weights
from large import only
from network import MapHead, Temporal, Upper

LAST, SIDE = 10, 5


class Views:
    def __init__(self, folders):
        self.maps = [np.load(os.path.join(f, "views.npy"), mmap_mode="r") for f in folders]
        self.flips = [np.load(os.path.join(f, "flips.npy")) for f in folders]
        self.first = np.cumsum([0] + [len(m) for m in self.maps])

    def at(self, stores, j, view):
        """The rows j of stores that lie one after another; view counts round where a folder has fewer."""
        of = np.searchsorted(self.first, j, "right") - 1
        return np.stack([stores[q][i - self.first[q], v % stores[q].shape[1]] for i, v, q in zip(j, view, of)])


def train(net, s, views, k, teacher):
    up, temporal = trunk.load(net, LAST)[trunk.STEM + trunk.FROZEN:].to(memory_format=torch.channels_last), Temporal()
    encoder = Upper(up, MapHead(96, SIDE))
    with torch.no_grad():
        some = torch.from_numpy(views.at(views.maps, k[:500], np.zeros(500, int)).astype(np.float32))
        encoder.h.scale.fill_(1 / float(up(some).std()))

    def scaled(v, least):
        mean, scale = torch.from_numpy(v[k].mean(0)), torch.from_numpy(1 / (v[k].std(0) + least))
        return lambda x: ((x - mean) * scale).clamp(-3, 3)
    numbers, direction = scaled(s.numbers, .02), scaled(s.direction, .02)
    plain, other, own, attends = (torch.from_numpy(v) for v in (s.numbers, s.mirrored, s.direction, s.attends))

    def batch(j, rng):
        view = rng.integers(0, 4, len(j))
        flip = torch.from_numpy(views.at(views.flips, j, view))[:, None]
        maps = torch.from_numpy(views.at(views.maps, j, view).astype(np.float32))

        def turned(v):
            return direction(torch.where(flip, v[j] * geometry.MIRRORED, v[j]))
        return (maps,), turned(attends), (numbers(torch.where(flip, other[j], plain[j])), turned(own))

    def second(e, guessed, targets):  # the pose numbers and where the head points
        return .5 * F.smooth_l1_loss(guessed, targets[0]) + .5 * F.smooth_l1_loss(e[:, :geometry.DIRECTION], targets[1])
    fit.train(encoder, temporal, batch, s, k, only(weights(s), k), teacher, .5, 8, second=second)
    return encoder, temporal


@torch.no_grad()
def predict(encoder, temporal, s, views):
    parts = np.array_split(np.arange(len(s.y)), max(1, len(s.y) // 500))
    e = [encoder(torch.from_numpy(views.at(views.maps, j, np.zeros(len(j), int)).astype(np.float32)))[0] for j in parts]
    return fit.decide(temporal, torch.cat(e), s.image)


def main(net, work, fold, *folders):
    torch.set_num_threads(1)
    s, views = Students(folders), Views(folders)
    encoder, temporal = train(net, s, views, s.training(fold), np.load(os.path.join(work, f"teacher-{fold}.npy")))
    torch.save({"encoder": encoder.state_dict(), "temporal": temporal.state_dict()}, os.path.join(work, f"small-{fold}.pt"))
    p = predict(encoder, temporal, s, views)
    np.save(os.path.join(work, f"small-{fold}.npy"), p)
    held = s.held_out(fold)
    if len(held):
        judge.show("small", fold, s.y[held], p[held], s.image[held])


if __name__ == "__main__":
    main(*sys.argv[1:])
