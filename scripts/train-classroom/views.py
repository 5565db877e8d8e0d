"""Augmented looks at every crop through the trunk's frozen blocks. usage: views.py LIGHTNING.onnx|THUNDER.onnx FOLDER VIEWS SIDE [NAME]

FOLDER/pixels.bin is read; written are FOLDER/views-SIDE.npy (N, VIEWS, C, SIDE/16, SIDE/16) float16, the trunk's map after its last frozen block of pictures of SIDE pixels,
view 0 as the crop is, and FOLDER/flips-SIDE.npy (N, VIEWS), whether the view is mirrored. Training then needs no pictures: an epoch takes seconds. With a NAME the files
are called views-NAME and flips-NAME, and convolutions multiply bfloat16, which halves the time.
"""
import math
import os
import sys

import numpy as np
import torch
import torch.nn.functional as F

import trunk
from data import STORED

INNER = .8  # the square's share of what is stored


def placed(n, rng):
    """Affine maps of output -1..1 to stored -1..1: scale, shift, turn, mirror."""
    theta, flip = torch.zeros(n, 2, 3), rng.random(n) < .5
    for i in range(n):
        s, dx, dy, turn, f = INNER * math.exp(rng.uniform(-.2, .18)), *rng.uniform(-.1, .1, 2), rng.normal(0, .1), -1 if flip[i] else 1
        c, e = math.cos(turn) * s, math.sin(turn) * s
        theta[i] = torch.tensor([[c * f, -e, dx], [e * f, c, dy]])
    return theta, flip


def coloured(x, rng):
    """Contrast, brightness, tint, blur, grey, noise, something in front."""
    n, side = len(x), x.shape[-1]

    def draw(a, b, *shape):
        return torch.from_numpy(rng.uniform(a, b, shape)).float()

    x = (x - 128) * draw(.6, 1.4, n, 1, 1, 1) + 128 + draw(-35, 35, n, 1, 1, 1) + draw(-12, 12, n, 3, 1, 1)
    if rng.random() < .4:
        k = int(rng.integers(side // 3, side * 3 // 4))
        x = F.interpolate(F.interpolate(x, (k, k), mode="area"), (side, side), mode="bilinear")
    if rng.random() < .3:
        x = x.mean(1, keepdim=True) * .8 + x * .2
    x = x + torch.randn(n, 1, side, side) * rng.uniform(0, 8)
    for i in np.flatnonzero(rng.random(n) < .25):
        (a, b), (w, h) = rng.integers(0, side * 3 // 4, 2), rng.integers(side // 12, side // 3, 2)
        x[i, :, b:b + h, a:a + w] = float(rng.uniform(0, 255))
    return x.clamp(0, 255)


def look(crops, rng, plain, side):
    """(n, STORED, STORED, 3) bytes -> (n, 3, side, side) in 0..255 and what was mirrored."""
    x = torch.from_numpy(np.array(crops)).permute(0, 3, 1, 2).float()
    n = len(x)
    theta, flip = (torch.tensor([[[INNER, 0, 0], [0, INNER, 0]]]).repeat(n, 1, 1), np.zeros(n, bool)) if plain else placed(n, rng)
    x = F.grid_sample(x, F.affine_grid(theta, (n, 3, side, side), align_corners=False), padding_mode="border", align_corners=False)
    return (x if plain else coloured(x, rng)), flip


def drawn(folder, views, side):
    """Yields (first crop, view, pictures (n, 3, side, side) in 0..255, what is mirrored) for every batch of crops and view, the same ones at every call."""
    torch.manual_seed(5)
    rng = np.random.default_rng(5)
    crops = np.memmap(os.path.join(folder, "pixels.bin"), np.uint8, "r").reshape(-1, STORED, STORED, 3)
    for i in range(0, len(crops), 32):
        for v in range(views):
            yield i, v, *look(crops[i:i + 32], rng, v == 0, side)


def stores(folder, name, views, shape):
    """(N, views, *shape) float16 in the folder, and (N, views) for what is mirrored."""
    n = os.path.getsize(os.path.join(folder, "pixels.bin")) // (3 * STORED ** 2)
    return np.lib.format.open_memmap(os.path.join(folder, name), "w+", np.float16, (n, views, *shape)), np.zeros((n, views), bool)


def as_input(x):
    return (x / 127.5 - 1).contiguous(memory_format=torch.channels_last)


def main(net, folder, views, side, name=None):
    torch.set_num_threads(1)
    name, half = name or side, name is not None
    views, side = int(views), int(side)
    lower = trunk.load(net, trunk.FROZEN).to(memory_format=torch.channels_last).eval()
    with torch.no_grad():
        shape = lower(torch.zeros(1, 3, side, side)).shape[1:]
    maps, flips = stores(folder, f"views-{name}.npy", views, shape)
    for i, v, x, flip in drawn(folder, views, side):
        flips[i:i + 32, v] = flip
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16, enabled=half):
            maps[i:i + 32, v] = lower(as_input(x)).float().numpy()
    np.save(os.path.join(folder, f"flips-{name}.npy"), flips)


if __name__ == "__main__":
    main(*sys.argv[1:])
