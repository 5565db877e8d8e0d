"""MoveNet Lightning's backbone, a MobileNetV2 with its batch norms folded in, as a torch module cut after a block."""
import onnx
import torch
import torch.nn as nn
import torch.nn.functional as F
from onnx import numpy_helper

FROZEN = 6  # blocks up to this one are never trained: what they find is common to all pictures of people
STEM = 2  # modules before block 1: the first convolution and block 0


class Conv(nn.Module):
    """A convolution with TensorFlow's padding, and ReLU6 where the file clips."""

    def __init__(self, weight, bias, stride, pads, groups, clips):
        super().__init__()
        self.w, self.b = nn.Parameter(torch.from_numpy(weight.copy())), nn.Parameter(torch.from_numpy(bias.copy()))
        self.stride, self.pads, self.groups, self.clips = stride, pads, groups, clips

    def forward(self, x):
        top, left, bottom, right = self.pads
        if (top, left) == (bottom, right):
            x = F.conv2d(x, self.w, self.b, self.stride, (top, left), 1, self.groups)
        else:
            x = F.conv2d(F.pad(x, (left, right, top, bottom)), self.w, self.b, self.stride, 0, 1, self.groups)
        return F.relu6(x) if self.clips else x


class Block(nn.Module):
    def __init__(self, convs, adds):
        super().__init__()
        self.body, self.adds = nn.Sequential(*convs), adds

    def forward(self, x):
        y = self.body(x)
        return x + y if self.adds else y


def block_of(node):
    """The block's name that a convolution of the backbone belongs to: stem, 0, 1 ... 16, out."""
    name = node.name.split("/model/")[1]
    if name.startswith("block"):
        return name.split("_")[1]
    return {"C": "stem", "e": "0"}.get(name[0], "out")


def load(path, last):
    """RGB in -1..1, (N, 3, S, S) -> the features after block `last`, S/16 a side up to block 12."""
    graph = onnx.load(path).graph
    weights = {t.name: numpy_helper.to_array(t) for t in graph.initializer}
    clipped = {n.input[0] for n in graph.node if n.op_type in ("Clip", "Relu")}
    adds = {n.name for n in graph.node if n.op_type == "Add"}
    convs = {}
    for n in graph.node:
        if n.op_type == "Conv" and "/model/" in n.name:
            a = {x.name: list(x.ints) or x.i for x in n.attribute}
            c = Conv(weights[n.input[1]], weights[n.input[2]], a["strides"][0], a["pads"], a.get("group", 1) or 1, n.output[0] in clipped)
            convs.setdefault(block_of(n), []).append(c)
    keep = ["stem"] + [str(k) for k in range(last + 1)]
    return nn.Sequential(*[Block(convs[k], any(f"block_{k}_add" in a for a in adds)) for k in keep])
