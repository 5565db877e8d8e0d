"""Narrows the blocks of a stored network of a picture as it is, without training it further. usage: narrow.py LIGHTNING.onnx WORK NET.onnx OUT.onnx

Its own blocks are fitted (slim.py) on crops of WORK/real and WORK/made in the network's size, smoothed as vision/clip smooths.
"""
import os
import sys

import numpy as np
import onnx
import torch
import torch.nn as nn
import torch.nn.functional as F
from onnx import numpy_helper

import slim
import trunk
import views
from data import STORED

LEFT = {0: 16, 1: 64, 2: 112, 3: 96, 4: 160, 5: 160, 6: 128, 7: 320, 8: 320, 9: 320, 10: 384}  # hidden channels; the last block keeps all and is only fitted anew
LAST, FLOW, LARGE, CROPS = 10, 2, 128, 500  # the last block; channels of flow; pixels a side before they are made fewer; crops of each folder


def pictures(work, side):
    """(2 * CROPS, 3, side, side) in -1..1, augmented."""
    rng, out = np.random.default_rng(1), []
    torch.manual_seed(5)
    for folder in ("real", "made"):
        crops = np.memmap(os.path.join(work, folder, "pixels.bin"), np.uint8, "r").reshape(-1, STORED, STORED, 3)
        x, _ = views.look(crops[np.sort(rng.choice(len(crops), CROPS, replace=False))], rng, False, LARGE)
        out.append(F.interpolate(x, (side, side), mode="bilinear", antialias=True, align_corners=False) / 127.5 - 1)
    return torch.cat(out)[torch.randperm(2 * CROPS)]


def main(lightning, work, net, to):
    torch.set_num_threads(1)
    model = onnx.load(net)
    stored = {t.name: t for t in model.graph.initializer}
    side = model.graph.input[0].type.tensor_type.shape.dim[3].dim_value
    modules, names = trunk.load(lightning, LAST).eval(), {}
    for k, block in enumerate(modules):
        for i, conv in enumerate(block.body):
            names[conv] = f"encoder.trunk.{k}.body.{i}."
            w, b = (torch.from_numpy(numpy_helper.to_array(stored[names[conv] + v]).copy()) for v in "wb")
            conv.w, conv.b = nn.Parameter(w[:, :conv.w.shape[1]]), nn.Parameter(b)  # the stem without its weights for flow, which are zero
    slim.slim(modules, LEFT, pictures(work, side))
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
    main(*sys.argv[1:])
