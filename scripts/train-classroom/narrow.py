"""Narrows the blocks of s as they are, without training them further. usage: narrow.py LIGHTNING.onnx WORK NET.onnx OUT.onnx | narrow.py LIGHTNING.onnx WORK FOLD

Blocks are fitted (slim.py) on crops of WORK/real and WORK/made in the network's size, smoothed as vision/clip smooths. With a FOLD (A or B) WORK/s-FOLD.pt is judged in the other room,
whole and narrowed; crops to fit on are then of the fold's training alone. Of room A every second picture is looked at.
"""
import copy
import os
import sys

import numpy as np
import onnx
import torch
import torch.nn as nn
import torch.nn.functional as F
from onnx import numpy_helper

import fit
import judge
import slim
import small
import trunk
import views
from data import HELD_OUT, STORED, Table
from network import Temporal

LEFT = {0: 16, 1: 64, 2: 112, 3: 96, 4: 160, 5: 160, 6: 128, 7: 320, 8: 320, 9: 320, 10: 384}  # hidden channels; the last block keeps all and is only fitted anew
LAST, FLOW, LARGE = 10, 2, 128  # the last block; channels of flow; pixels a side before they are made fewer
CROPS, FOLD_CROPS = (500, 500), (150, 100)  # real and made-up ones to fit on


def crops_of(work, folder):
    return np.memmap(os.path.join(work, folder, "pixels.bin"), np.uint8, "r").reshape(-1, STORED, STORED, 3)


def fewer(x, side):
    return F.interpolate(x, (side, side), mode="bilinear", antialias=True, align_corners=False) / 127.5 - 1


def pictures(work, side, counts, real=None):
    """(sum(counts), 3, side, side) in -1..1, augmented, in no order; real: indices that the real ones are drawn from."""
    rng, out = np.random.default_rng(1), []
    torch.manual_seed(5)
    for folder, n, some in zip(("real", "made"), counts, (real, None)):
        crops = crops_of(work, folder)
        drawn = rng.choice(len(crops) if some is None else some, n, replace=False)
        out.append(fewer(views.look(crops[np.sort(drawn)], rng, False, LARGE)[0], side))
    return torch.cat(out)[torch.randperm(sum(counts))]


@torch.no_grad()
def judge_fold(lightning, work, fold):
    s, (side, *_), state = Table(os.path.join(work, "real")), small.SIZES["s"], torch.load(os.path.join(work, f"s-{fold}.pt"))
    images = np.unique(s.image[s.room == HELD_OUT[fold]])[::2 if HELD_OUT[fold] == "A" else 1]
    held, temporal = np.flatnonzero(np.isin(s.image, images)), Temporal().eval()
    lower, encoder = small.upper(lightning, "s")
    encoder.load_state_dict(state["encoder"])
    temporal.load_state_dict(state["temporal"])
    whole = nn.Sequential(*lower, *encoder.up).eval()
    narrowed = slim.slim(copy.deepcopy(whole), LEFT, pictures(work, side, FOLD_CROPS, np.flatnonzero(np.isin(s.room, [fold, "1", "2"]))))
    crops, head = crops_of(work, "real"), encoder.h.eval()
    for name, blocks in (("whole", whole), ("narrowed", narrowed)):
        parts = np.array_split(held, len(held) // 64)
        embedding = torch.cat([head(blocks(fewer(views.look(crops[j], None, True, LARGE)[0], side)))[0] for j in parts])
        judge.show(name, fold, s.y[held], fit.decide(temporal, embedding, s.image[held]), s.image[held])


def narrow_stored(lightning, work, net, to):
    model = onnx.load(net)
    stored = {t.name: t for t in model.graph.initializer}
    side = model.graph.input[0].type.tensor_type.shape.dim[3].dim_value
    modules, names = trunk.load(lightning, LAST).eval(), {}
    for k, block in enumerate(modules):
        for i, conv in enumerate(block.body):
            names[conv] = f"encoder.trunk.{k}.body.{i}."
            w, b = (torch.from_numpy(numpy_helper.to_array(stored[names[conv] + v]).copy()) for v in "wb")
            conv.w, conv.b = nn.Parameter(w[:, :conv.w.shape[1]]), nn.Parameter(b)  # the stem without its weights for flow, which are zero
    slim.slim(modules, LEFT, pictures(work, side, CROPS))
    for conv, name in names.items():
        w = conv.w.detach().numpy()
        if conv is modules[0].body[0]:
            w = np.pad(w, ((0, 0), (0, FLOW), (0, 0), (0, 0)))
        stored[name + "w"].CopyFrom(numpy_helper.from_array(w, name + "w"))
        stored[name + "b"].CopyFrom(numpy_helper.from_array(conv.b.detach().numpy(), name + "b"))
        for a in next(n for n in model.graph.node if n.input[1:2] == [name + "w"]).attribute:
            if a.name == "group":
                a.i = conv.groups
    del model.graph.value_info[:]
    onnx.checker.check_model(model)
    onnx.save(model, to)


if __name__ == "__main__":
    torch.set_num_threads(1)
    (narrow_stored if len(sys.argv) > 4 else judge_fold)(*sys.argv[1:])
