"""The networks that see the picture: MoveNet Lightning's first blocks, the last of them trained on, and a head; taught by labels and by what boxes.py's members say of boxes whose
pictures they have not seen. usage: small.py LIGHTNING.onnx WORK s|m FOLD | small.py THUNDER.onnx WORK tuned FOLD

Reads WORK/real and WORK/made (crops as at run time, with views), WORK/boxes-real and WORK/boxes-made (the same students' labelled boxes, with looks.npz) and WORK/teacher-FOLD.npy.
Writes WORK/SIZE-FOLD.pt and WORK/SIZE-FOLD.npy, probabilities of the crops that the fold holds out.
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
from data import HELD_OUT, Table, median_of, weights
from network import WIDTH, MapHead, Temporal, Upper

DEEP = 64  # principal components of Thunder's features that the encoder learns to tell
TAUGHT, EPOCHS = .6, {"s": 14, "m": 14, "tuned": 6}
# side in pixels, the last block, channels after it, channels and width of the head
SIZES = {"s": (80, 10, 96, 48, 192), "m": (128, 12, 96, 32, 256), "tuned": (128, 12, 168, 32, 256)}
# tuned, Thunder's blocks in place of Lightning's (does not ship), costs four times as much as m: its epochs look at half of the heads and of the made-up students, in smaller batches,
# so that there are steps enough.
HALF, SMALL_BATCH = .5, 64


def upper(lightning, size):
    side, last, channels, middle, hidden = SIZES[size]
    blocks = trunk.load(lightning, last)
    return blocks[:trunk.STEM + trunk.FROZEN], Upper(blocks[trunk.STEM + trunk.FROZEN:], MapHead(channels, side // 16, middle, hidden, DEEP))


def in_square(pose, box, square):
    """pose (N, 86) in shares of the labelled boxes' squares (N, 3: x, y, side) -> in shares of other squares."""
    out = pose.copy()
    xy = out[:, :85].reshape(-1, 17, 5)
    for c, axis in ((0, 0), (3, 0), (1, 1), (4, 1)):
        xy[..., c] = (box[:, axis, None] + xy[..., c] * box[:, 2:] - square[:, axis, None]) / square[:, 2:]
    return out


class Students:
    """Everything about the crops as at run time; points and features are what Thunder saw of the labelled boxes."""

    def __init__(self, work):
        tables, boxes = ([Table(os.path.join(work, prefix + f)) for f in ("real", "made")] for prefix in ("", "boxes-"))
        for name in ("y", "room", "image", "real"):
            setattr(self, name, np.concatenate([getattr(t, name) for t in tables]))
        looks = [np.load(os.path.join(work, "boxes-" + f, "looks.npz")) for f in ("real", "made")]
        pose = torch.from_numpy(in_square(*(np.concatenate(v) for v in ([z["K"][:, 0] for z in looks], [t.square for t in boxes], [t.square for t in tables]))))
        self.deep = np.concatenate([z["F"][:, 0] for z in looks]).astype(np.float32)
        self.numbers, self.direction = (v.numpy() for v in geometry.geometry(pose))
        self.mirrored = geometry.geometry(geometry.mirror(pose))[0].numpy()
        self.attends = median_of(self.direction, self.image)

    def training(self, fold):
        return np.flatnonzero(np.isin(self.room, [fold, "1", "2"]) | ~self.real) if fold in "AB" else np.flatnonzero(self.room != HELD_OUT[fold])

    def held_out(self, fold):
        return np.flatnonzero(self.room == HELD_OUT[fold])


class Views:
    def __init__(self, folders, name):
        self.maps = [np.load(os.path.join(f, f"views-{name}.npy"), mmap_mode="r") for f in folders]
        self.flips = [np.load(os.path.join(f, f"flips-{name}.npy")) for f in folders]
        self.first = np.cumsum([0] + [len(m) for m in self.maps])

    def at(self, stores, j, view):
        """The rows j of stores that lie one after another; view counts round where a folder has fewer."""
        of = np.searchsorted(self.first, j, "right") - 1
        return np.stack([stores[q][i - self.first[q], v % stores[q].shape[1]] for i, v, q in zip(j, view, of)])


def components(deep, k):
    """(N, DEEP) principal components of the features over the training crops, deviation 1 all together."""
    x = deep - deep[k].mean(0)
    _, vectors = np.linalg.eigh(np.cov(x[k], rowvar=False))
    p = x @ vectors[:, :-DEEP - 1:-1]
    return (p / (p[k].std(0).max() / 2)).astype(np.float32)


def lessons(s, views, k):
    """batch(j, rng) and second(embedding, guessed, targets) of fit.train: Thunder's points and features as second task."""
    def scaled(v, least):
        mean, scale = torch.from_numpy(v[k].mean(0)), torch.from_numpy(1 / (v[k].std(0) + least))
        return lambda x: ((x - mean) * scale).clamp(-3, 3)
    numbers, direction = scaled(s.numbers, .02), scaled(s.direction, .02)
    plain, other, own, attends = (torch.from_numpy(v) for v in (s.numbers, s.mirrored, s.direction, s.attends))
    deep = torch.from_numpy(components(s.deep, k))

    def batch(j, rng):
        view = rng.integers(0, max(m.shape[1] for m in views.maps), len(j))
        flip = torch.from_numpy(views.at(views.flips, j, view))[:, None]
        maps = torch.from_numpy(views.at(views.maps, j, view).astype(np.float32)).contiguous(memory_format=torch.channels_last)

        def turned(v):
            return direction(torch.where(flip, v[j] * geometry.MIRRORED, v[j]))
        return (maps,), turned(attends), (numbers(torch.where(flip, other[j], plain[j])), turned(own), deep[j])

    def second(e, guessed, targets):  # the pose numbers, where the head points, and Thunder's features, which hardly change in the mirror
        points, features = guessed
        return .5 * F.smooth_l1_loss(points, targets[0]) + .5 * F.smooth_l1_loss(e[:, :geometry.DIRECTION], targets[1]) + .5 * F.smooth_l1_loss(features, targets[2])
    return batch, second


def train(lightning, size, s, views, k, teacher):
    encoder, temporal = upper(lightning, size)[1].to(memory_format=torch.channels_last), Temporal()
    with torch.no_grad():
        some = torch.from_numpy(views.at(views.maps, k[:500], np.zeros(500, int)).astype(np.float32))
        encoder.h.scale.fill_(1 / float(encoder.up(some).std()))
    batch, second = lessons(s, views, k)
    w = np.zeros(len(s.y))
    w[k] = weights(s)[k]
    dear = {"size": SMALL_BATCH, "share": np.where(np.isin(s.room, ["A", "B"]), 1, HALF)} if size == "tuned" else {}
    fit.train(encoder, temporal, batch, s, k, w, teacher, TAUGHT, EPOCHS[size], second=second, **dear)
    return encoder, temporal


@torch.no_grad()
def predict(encoder, temporal, s, views, held):
    """(N, 10) probabilities of whole pictures' crops, held; of others zero."""
    out = np.zeros((len(s.y), 10), np.float32)
    if len(held):
        parts = np.array_split(held, max(1, len(held) // 500))
        e = [encoder(torch.from_numpy(views.at(views.maps, j, np.zeros(len(j), int)).astype(np.float32)))[0] for j in parts]
        out[held] = fit.decide(temporal, torch.cat(e), s.image[held])
    return out


def main(lightning, work, size, fold):
    torch.set_num_threads(1)
    s, views = Students(work), Views([os.path.join(work, f) for f in ("real", "made")], size if size == "tuned" else SIZES[size][0])
    encoder, temporal = train(lightning, size, s, views, s.training(fold), np.load(os.path.join(work, f"teacher-{fold}.npy")))
    torch.save({"encoder": encoder.state_dict(), "temporal": temporal.state_dict()}, os.path.join(work, f"{size}-{fold}.pt"))
    held = s.held_out(fold)
    p = predict(encoder, temporal, s, views, held)
    np.save(os.path.join(work, f"{size}-{fold}.npy"), p)
    if len(held):
        judge.show(size, fold, s.y[held], p[held], s.image[held])


if __name__ == "__main__":
    main(*sys.argv[1:])
