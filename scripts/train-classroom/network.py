"""The classroom network: an encoder (of a picture, or of pose) to an embedding, the temporal part, and the heads.

The first DIRECTION numbers of an embedding tell where the head points. Between the two parts, what the class has in common (the median) is taken from them.
"""
import math

import torch
import torch.nn as nn
import torch.nn.functional as F

from geometry import DIRECTION, NUMBERS, POSE, geometry

WIDTH = 128  # of an embedding
DEEP = 3 * 1280  # Thunder's last features, averaged over the student, the head and shoulders, the chest and hands
WAVES = [1., 2, 4, 8, 16, 32]  # seconds; the time code's periods
NEVER = 1e4  # less score for a step that cannot be seen


class Temporal(nn.Module):
    """Multi-head self-attention over the steps with their true time offsets, hidden steps masked; attention pooling whose weights are an output."""

    def __init__(self, heads=4):
        super().__init__()
        self.heads = heads
        self.freq = nn.Parameter(2 * math.pi / torch.tensor(WAVES), requires_grad=False)
        self.enter, self.time = nn.Linear(WIDTH, WIDTH), nn.Linear(2 * len(WAVES), WIDTH)
        self.n1, self.n2 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.q, self.k, self.v, self.o = (nn.Linear(WIDTH, WIDTH) for _ in range(4))
        self.f1, self.f2 = nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, WIDTH)
        self.pool1, self.pool2 = nn.Linear(WIDTH, 64), nn.Linear(64, 1)
        self.behaviour, self.attention, self.engagement = nn.Linear(WIDTH, 10), nn.Linear(WIDTH, 1), nn.Linear(WIDTH, 1)
        self.steps = nn.Parameter(torch.tensor([-1., .5, .5]))
        self.drop = nn.Dropout(.15)
        self.temperature = nn.Parameter(torch.ones(1), requires_grad=False)
        nn.init.zeros_(self.o.weight)  # begins as a network that looks at each step for itself
        nn.init.zeros_(self.f2.weight)

    def thresholds(self):
        """Of the ordered levels, rising."""
        gaps = F.softplus(self.steps[1:])
        return torch.stack([self.steps[0], self.steps[0] + gaps[0], self.steps[0] + gaps[0] + gaps[1]])

    def split(self, x, batch, steps):
        return x.reshape(batch, steps, self.heads, WIDTH // self.heads).transpose(1, 2)

    def forward(self, embedding, offset, seen):
        """embedding (B·T, WIDTH), offset in seconds and seen (B, T) -> logits of behaviour (B, 10), attention (B), levels (B, 3); weights of the steps (B, T)."""
        b, t = offset.shape[0], offset.shape[1]
        angle = offset.unsqueeze(-1) * self.freq
        x = self.drop(torch.relu(self.enter(embedding.reshape(b, t, WIDTH)))) + self.time(torch.cat([torch.sin(angle), torch.cos(angle)], -1))
        y = self.n1(x)
        score = self.split(self.q(y), b, t) @ self.split(self.k(y), b, t).transpose(2, 3) / math.sqrt(WIDTH // self.heads)
        share = torch.softmax(score + (seen - 1).unsqueeze(1).unsqueeze(1) * NEVER, -1)
        x = x + self.o((share @ self.split(self.v(y), b, t)).transpose(1, 2).reshape(b, t, WIDTH))
        x = x + self.f2(torch.relu(self.f1(self.n2(x))))
        moments = torch.softmax(self.pool2(torch.tanh(self.pool1(x))).squeeze(-1) + (seen - 1) * NEVER, -1)
        z = self.drop((moments.unsqueeze(1) @ x).squeeze(1))
        return self.behaviour(z), self.attention(z).squeeze(-1), self.engagement(z) - self.thresholds(), moments


class PoseEncoder(nn.Module):
    """What Thunder sees of a student -> embedding. Means and scales are of the training data."""

    def __init__(self, scales=None):
        super().__init__()
        sizes = {"mg": NUMBERS, "sg": NUMBERS, "mf": DEEP, "sf": DEEP, "md": DIRECTION, "sd": DIRECTION}  # means and 1/deviations
        for name, n in sizes.items():
            value = torch.zeros(n) if scales is None else torch.as_tensor(scales[name]).float()
            setattr(self, name, nn.Parameter(value, requires_grad=False))
        self.a, self.b, self.c = nn.Linear(NUMBERS, 128), nn.Linear(DEEP, 64), nn.Linear(128 + 64, WIDTH - DIRECTION)
        self.dg, self.df = nn.Dropout(.1), nn.Dropout(.3)

    def direction(self, d):
        return ((d - self.md) * self.sd).clamp(-3, 3)

    def forward(self, pose, features):
        numbers, d = geometry(pose)
        numbers, features = ((numbers - self.mg) * self.sg).clamp(-4, 4), ((features - self.mf) * self.sf).clamp(-4, 4)
        own = self.c(torch.cat([torch.relu(self.a(self.dg(numbers))), torch.relu(self.b(self.df(features)))], 1))
        return torch.cat([self.direction(d), own], 1)


class MapHead(nn.Module):
    """The trunk's map (N, C, h, w) -> embedding, and as a second task, which keeps it honest about posture, the pose numbers and Thunder's features."""

    def __init__(self, channels, side, middle=48, hidden=192, deep=64):
        super().__init__()
        self.squeeze, self.flat = nn.Conv2d(channels, middle, 1), nn.Linear(middle * side * side, hidden)
        self.out, self.points, self.gaze = nn.Linear(hidden, WIDTH), nn.Linear(hidden, NUMBERS), nn.Linear(hidden, DIRECTION)
        self.features = nn.Linear(hidden, deep)
        self.drop, self.dropm = nn.Dropout(.2), nn.Dropout2d(.1)
        self.scale = nn.Parameter(torch.tensor(.1), requires_grad=False)  # brings the map to deviation 1

    def forward(self, m):
        h = self.drop(torch.relu(self.flat(torch.relu(self.squeeze(self.dropm(m * self.scale))).flatten(1))))
        return torch.cat([self.gaze(h), self.out(h)[:, DIRECTION:]], 1), (self.points(h), self.features(h))


class Upper(nn.Module):
    """The trunk's last blocks, which are trained on, and the head."""

    def __init__(self, up, head):
        super().__init__()
        self.up, self.h = up, head

    def forward(self, m):
        return self.h(self.up(m))


class PictureEncoder(nn.Module):
    """(N, 5, S, S) -> embedding. The first layer's weights for flow are zero: there was no flow to learn from."""

    def __init__(self, trunk, head):
        super().__init__()
        self.trunk, self.head = trunk, head
        first = trunk[0].body[0]
        first.w = nn.Parameter(torch.cat([first.w.detach(), torch.zeros(first.w.shape[0], 2, 3, 3)], 1))
        with torch.no_grad():  # one multiplication less at run time
            head.squeeze.weight *= head.scale
            head.scale.fill_(1)

    def forward(self, picture):
        head = self.head
        h = torch.relu(head.flat(torch.relu(head.squeeze(self.trunk(picture))).flatten(1)))
        return torch.cat([head.gaze(h), head.out(h)[:, DIRECTION:]], 1)


class Whole(nn.Module):
    """What is exported: probabilities, not logits."""

    def __init__(self, encoder, temporal):
        super().__init__()
        self.encoder, self.temporal = encoder, temporal

    def decide(self, e, offset, seen):
        behaviour, attention, levels, moments = self.temporal(e, offset, seen)
        above = torch.sigmoid(levels)
        engagement = torch.cat([1 - above[:, :1], above[:, :2] - above[:, 1:], above[:, 2:]], 1).clamp(min=0)
        return e, torch.softmax(behaviour / self.temporal.temperature, -1), torch.sigmoid(attention), engagement, moments, e[:, :DIRECTION]


class WholePose(Whole):
    def forward(self, pose, features, offset, seen):
        return self.decide(self.encoder(pose, features), offset, seen)


class WholePicture(Whole):
    def forward(self, picture, offset, seen):
        return self.decide(self.encoder(picture), offset, seen)
