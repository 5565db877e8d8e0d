"""The labelled-box way: small layers on what Thunder saw of a labelled box, MultiPose of head and shoulders, and on how the student differs from the others around. usage: boxes.py [teacher] WORK FOLD FOLDER...

FOLDERs as `crops -boxes` and looks.py leave them; FOLD as for large.py (1 and 2 train on ClaBehavior too). WORK/groups (groups.py) is trained on as well. Writes WORK/boxes-FOLD.pt and
WORK/boxes-FOLD.npy (every box's probabilities); with `teacher` WORK/teacher-FOLD.npy instead, made of members that have not seen the picture, which teaches the small networks.
"""
import os
import sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

import geometry
import judge
from data import HELD_OUT, Table, median_of, weights
from geometry import DIRECTION, NUMBERS
from looks import NAMES

SHAPE, AROUND = 5, 3 * DIRECTION + 5  # numbers of the box's shape, and of the student among others with it
SECOND = 49 + 3 * DIRECTION  # numbers of head and shoulders by MultiPose, and of the head among others
NEAR_PICTURE, NEAR_ROOM = 12, 60  # neighbours, the student among them
DOWN = 1.5  # how much farther apart rows are than they look
EPOCHS, BATCH, RATE, NOISE = 14, 128, 2e-3, .1
OUTLINES = 1764  # vision/clip.HOGValues
# Of the heads' kernel machine: components of each kind of features, ridge, how far a class's share of the loss evens out its count, and how sure a vote makes.
COMPONENTS, RIDGE, EVEN, SURE = 64, .3, .5, 6.
MARKED, HEAD_DOWN, LIKE_DOWN, OTHERS = (0, 4, 7), 8, (1, 2, 8), (3, 5, 6, 9)  # classes that heads are labelled with, what `down` may be, and those no head was labelled with
USUAL = .05  # heads stranger than all but this share of the heads trained on are read as boxes are


def less_near(x, place, group, k):
    """x (N, D) less the median of the k nearest by place within the group."""
    out = np.zeros_like(x)
    _, number = np.unique(group, return_inverse=True)
    for q in range(number.max() + 1):
        m = np.flatnonzero(number == q)
        if len(m) < 3:
            continue
        apart = ((place[m][:, None] - place[m][None]) ** 2).sum(-1)
        near = np.argpartition(apart, min(k, len(m)) - 1, axis=1)[:, :min(k, len(m))]
        out[m] = x[m] - np.median(x[m][near], axis=1)
    return out


def shape_of(box, head, image):
    """(N, 5): how wide for its height, and how large beside the picture's median; heads have no shape."""
    w, h = box[:, 2], box[:, 3]
    m = median_of(np.c_[w, h, w * h], image)
    out = np.c_[np.log(w / h), w / h, np.log(w * h / m[:, 2]), np.log(h / m[:, 1]), np.log(w / m[:, 0])]
    return np.where(head[:, None], 0, out).astype(np.float32)


def views(folders, name, key):
    """Both views of an array that looks.py stored. Made-up students need no mirror image: where there is none they stand for both."""
    stored = [np.load(os.path.join(f, name + ".npz"))[key] for f in folders]
    return [np.concatenate([z[:, min(v, z.shape[1] - 1)].astype(np.float32) for z in stored]) for v in (0, 1)]


class Boxes:
    """Everything about the labelled boxes of several folders; index 0 and 1 of numbers, around, second and deep are the crop and its mirror image."""

    def __init__(self, folders):
        tables = [Table(f) for f in folders]
        for name in ("y", "room", "image", "real", "head", "box"):
            setattr(self, name, np.concatenate([getattr(t, name) for t in tables]))
        told = np.concatenate([np.fromfile(os.path.join(f, "heads.bin"), "<f4").reshape(-1, 2, OUTLINES) for f in folders])
        self.outlines = [np.zeros((len(self.y), OUTLINES), np.float32) for _ in (0, 1)]
        for v in (0, 1):
            self.outlines[v][self.head] = told[:, v]
        self.pose, self.second_pose, self.deep = (views(folders, name, key) for name, key in zip((*NAMES, NAMES[0]), "KKF"))
        shape, self.numbers, self.around, self.second = shape_of(self.box, self.head, self.image), [], [], []
        for pose, second in zip(self.pose, self.second_pose):
            numbers, around = self.among(pose)
            self.numbers.append(numbers)
            self.around.append(np.insert(around, [DIRECTION] * SHAPE, shape, 1))
            numbers, around = self.among(second)
            self.second.append(np.c_[geometry.of_head(torch.from_numpy(numbers)).numpy(), around])

    def among(self, pose):
        """pose (N, 86) -> numbers (N, 100), and (N, 27) where the head points less the medians of the picture, of the nearest in it, and of the nearest that the camera ever showed."""
        numbers, direction = (v.numpy() for v in geometry.geometry(torch.from_numpy(pose.copy())))
        place = np.c_[self.box[:, 0] + self.box[:, 2] / 2, DOWN * (self.box[:, 1] + self.box[:, 3] / 2)]
        less = [less_near(direction, place, group, k) for group, k in ((self.image, NEAR_PICTURE), (np.where(self.real, self.room, self.image), NEAR_ROOM))]
        return numbers, np.c_[direction - median_of(direction, self.image), *less].astype(np.float32)

    def training(self, fold):
        return np.flatnonzero(np.isin(self.room, [fold, "1", "2"]) | ~self.real) if fold in "AB" else np.flatnonzero(self.room != HELD_OUT[fold])

    def held_out(self, fold):
        return np.flatnonzero(self.room == HELD_OUT[fold])


class Member(nn.Module):
    """One small net. deep: it sees the features too. Means and scales are of what it was trained on."""

    def __init__(self, deep):
        super().__init__()
        wide = NUMBERS + AROUND + SECOND
        for name, n in (("mx", wide), ("sx", wide), *((("mf", 1280), ("sf", 1280)) if deep else ())):
            setattr(self, name, nn.Parameter(torch.zeros(n), requires_grad=False))
        self.deep = deep
        self.a, self.b = nn.Linear(wide, 128), nn.Linear(1280, 48) if deep else None
        self.c, self.o = nn.Linear(128 + 48 * deep, 96), nn.Linear(96, 10)
        self.dropx, self.dropf, self.droph = nn.Dropout(.15), nn.Dropout(.4), nn.Dropout(.2)

    def fit_scales(self, x, f):
        def of(views, least):
            return np.mean([v.mean(0) for v in views], 0), 1 / (np.mean([v.std(0) for v in views], 0) + least)
        for (m, k), (mean, scale) in zip((("mx", "sx"), ("mf", "sf"))[:1 + self.deep], (of(x, .02), of(f, .05))):
            getattr(self, m).data, getattr(self, k).data = torch.from_numpy(mean).float(), torch.from_numpy(scale).float()

    def forward(self, x, f, noise=0.):
        x = ((x - self.mx) * self.sx).clamp(-4, 4)
        h = torch.relu(self.a(self.dropx(x + noise * torch.randn_like(x) if noise else x)))
        if self.deep:
            h = torch.cat([h, torch.relu(self.b(self.dropf(((f - self.mf) * self.sf).clamp(-4, 4))))], 1)
        return self.o(self.droph(torch.relu(self.c(h))))


class Kind(nn.Module):
    """Votes for the four classes that heads are labelled with, of one kind of features: kernel ridge regression round the heads trained on and their mirror images, in their principal components."""

    def __init__(self, wide, heads):
        super().__init__()
        shapes = {"mean": (wide,), "scale": (wide,), "components": (wide, COMPONENTS), "centres": (COMPONENTS, 2 * heads), "lengths": (2 * heads,), "votes": (2 * heads, 5), "usual": (1,)}
        for name, shape in shapes.items():
            setattr(self, name, nn.Parameter(torch.zeros(*shape), requires_grad=False))

    def place(self, x):
        return ((x - self.mean) * self.scale).clamp(-4, 4) @ self.components

    def near(self, x):
        """(N, 2 * heads), the heads and then their mirror images: 1 for the same look, 0 for one that has nothing to do with it."""
        z = self.place(x)
        return torch.exp(2 * z @ self.centres - (z * z).sum(1, keepdim=True) - self.lengths)

    def forward(self, x):
        """Votes (N, 4), and (N, 1) how usual such a look is, from 0 to 1."""
        v = self.near(x) @ self.votes
        return v[:, :4] + .25, (v[:, 4:] / self.usual).clamp(0, 1)

    def fit(self, views, target, weight, picture):
        """views: the heads (n, wide) and their mirror images; target (n) 0 to 3."""
        plain, both = (torch.from_numpy(np.concatenate(v)) for v in (views[:1], views))
        self.mean.data, self.scale.data = plain.mean(0), 1 / (plain.std(0) + (.02 if plain.shape[1] < 1000 else .05))
        if plain.shape[1] == OUTLINES:  # already of one scale
            self.scale.data = torch.ones(OUTLINES)
        x = ((both - self.mean) * self.scale).clamp(-4, 4)
        _, vectors = torch.linalg.eigh(torch.cov(x.T))
        axes = vectors[:, -COMPONENTS:]
        self.components.data = axes / (x[:len(plain)] @ axes).var(0).sum().sqrt()
        self.centres.data = self.place(both).T.contiguous()
        self.lengths.data = (self.centres ** 2).sum(0)
        k, n = self.near(both).double(), len(plain)
        wanted = torch.from_numpy(np.eye(4)[np.tile(target, 2)] - .25)
        votes = torch.linalg.solve(k + torch.diag(torch.from_numpy(RIDGE / np.tile(weight, 2))), wanted)
        as_drawn = (torch.arange(2 * n) < n)[:, None]  # how usual a look is, the heads themselves tell
        self.votes.data = torch.cat([votes, as_drawn], 1).float()
        others = torch.from_numpy(picture[:, None] != picture[None])
        self.usual.data = torch.quantile((k[:n, :n] * others).sum(1), USUAL).float().reshape(1)


class Whole(nn.Module):
    """What is exported: pose (N, 86), around (N, 32), features (N, 1280) by Thunder, second_pose (N, 86) and second_around (N, 27) by MultiPose, and head (N, 1764) of one view -> behaviour (N, 10), the numbers
    that `around` is made of, direction (N, 9), and all numbers of the pose (N, 100). head: the outlines of boxes that are heads; of others nothing."""

    def __init__(self, members, heads):
        super().__init__()
        self.members = nn.ModuleList(members)
        self.kinds = nn.ModuleList(Kind(wide, heads) for wide in (OUTLINES, 1280, NUMBERS + AROUND))
        self.temperature = nn.Parameter(torch.ones(1), requires_grad=False)

    def fit_heads(self, s, k):
        k = k[s.head[k]]
        target = np.searchsorted(MARKED + (HEAD_DOWN,), s.y[k])
        weight = np.maximum(np.bincount(target, minlength=4), 20)[target] ** -EVEN
        of = s.outlines, s.deep, [np.c_[n, a] for n, a in zip(s.numbers, s.around)]
        for kind, views in zip(self.kinds, of):
            kind.fit([v[k].astype(np.float32) for v in views], target, weight / weight.mean(), s.image[k])

    def forward(self, pose, around, features, second_pose, second_around, head):
        numbers, direction = geometry.geometry(pose)
        x = torch.cat([numbers, around], 1)
        seen = torch.cat([x, geometry.of_head(geometry.geometry(second_pose)[0]), second_around], 1)
        logits = sum(m(seen, features) for m in self.members) / len(self.members)  # the members' geometric mean
        p = torch.softmax(logits / self.temperature, 1)
        votes, usual = zip(*(kind(v) for kind, v in zip(self.kinds, (head, features, x))))
        marked = torch.softmax(SURE * sum(votes) / len(votes), 1)
        down = sum(p[:, c:c + 1] for c in LIKE_DOWN)
        rest = 1 - sum(p[:, c:c + 1] for c in OTHERS)
        # Heads are not labelled with the others, so they keep what they have; writing, reading and a head that is down share what is voted down.
        q = [p[:, c:c + 1] for c in range(10)]
        for i, c in enumerate(MARKED):
            q[c] = rest * marked[:, i:i + 1]
        for c in LIKE_DOWN:
            q[c] = rest * marked[:, 3:] * p[:, c:c + 1] / (down + 1e-9)
        share = (1e3 * (head * head).sum(1, keepdim=True)).clamp(0, 1) * sum(usual) / len(usual)
        return p + share * (torch.cat(q, 1) - p), direction, numbers


KINDS = (False, False, True, True)  # of the members: without and with the features


def train(s, k, deep, seed):
    torch.manual_seed(seed)
    rng, net = np.random.default_rng(seed), Member(deep)
    x = [torch.from_numpy(np.c_[v]) for v in zip(s.numbers, s.around, s.second)]
    f = [torch.from_numpy(v) for v in s.deep]
    net.fit_scales([v.numpy()[k] for v in x], [v[k] for v in s.deep])
    params = [p for p in net.parameters() if p.requires_grad]
    mean, steps, done = [p.detach().clone() for p in params], EPOCHS * (len(k) // BATCH), 0
    optimizer = torch.optim.AdamW(params, RATE, weight_decay=.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, steps + 1, pct_start=.1)
    y, weight = torch.from_numpy(s.y), torch.zeros(len(s.y))
    weight[k] = torch.from_numpy(weights(Part(s, k))).float()
    for _ in range(EPOCHS):
        net.train()
        for j in np.array_split(rng.permutation(k), len(k) // BATCH):
            v = torch.from_numpy(rng.random(len(j)) < .5)[:, None]
            out = net(torch.where(v, x[1][j], x[0][j]), torch.where(v, f[1][j], f[0][j]) if deep else None, NOISE)
            loss = (F.cross_entropy(out, y[j], reduction="none") * weight[j]).mean()
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(params, 3.)
            optimizer.step()
            schedule.step()
            done += 1
            with torch.no_grad():
                keep = min(.995, done / (done + 10))
                for m, p in zip(mean, params):
                    m.mul_(keep).add_(p, alpha=1 - keep)
    with torch.no_grad():
        for m, p in zip(mean, params):
            p.copy_(m)
    return net.eval()


class Part:
    """Some of the boxes, as far as their weights need it."""

    def __init__(self, s, k):
        self.y, self.real = s.y[k], s.real[k]


@torch.no_grad()
def predict(whole, s, j):
    """Both views' geometric mean."""
    seen = s.pose, s.around, s.deep, s.second_pose, [v[:, -3 * DIRECTION:] for v in s.second], s.outlines
    views = [whole(*(torch.from_numpy(v[i][j]) for v in seen))[0].numpy() for i in (0, 1)]
    return judge.together(*views)


def members(s, k):
    whole = Whole([train(s, k, deep, seed) for seed, deep in enumerate(KINDS)], int(s.head[k].sum())).eval()
    whole.fit_heads(s, k)
    return whole


def out_of_fold(s, k, folds=3):
    pictures = np.unique(s.image[k])
    fold = dict(zip(pictures, np.random.RandomState(0).randint(0, folds, len(pictures))))
    fold, out = np.array([fold[i] for i in s.image[k]]), np.full((len(s.y), 10), .1)
    for f in range(folds):
        out[k[fold == f]] = predict(members(s, k[fold != f]), s, k[fold == f])
    return out


def main(work, fold, *folders, teacher=False):
    torch.set_num_threads(1)
    s = Boxes([*folders, os.path.join(work, "groups")])
    k, held, boxes = s.training(fold), s.held_out(fold), sum(len(Table(f).y) for f in folders)
    if teacher:
        np.save(os.path.join(work, f"teacher-{fold}.npy"), out_of_fold(s, k)[:boxes])
        return
    whole = members(s, k)
    torch.save(whole.state_dict(), os.path.join(work, f"boxes-{fold}.pt"))
    p = predict(whole, s, np.arange(boxes))
    np.save(os.path.join(work, f"boxes-{fold}.npy"), p)
    if len(held):
        judge.show("labelled boxes", fold, s.y[held], p[held], s.image[held])


if __name__ == "__main__":
    main(*(a for a in sys.argv[1:] if a != "teacher"), teacher=sys.argv[1] == "teacher")
