"""Write a trained network as ONNX. usage: export.py l|boxes|s|m WEIGHTS.pt OUT.onnx TEMPERATURE [LIGHTNING.onnx]

The temperature is the one that judge.py found on held-out rooms.
"""
import sys

import onnx
import torch
import torch.nn as nn

import boxes
import small
from geometry import DIRECTION, NUMBERS, POSE
from network import DEEP, WIDTH, PictureEncoder, PoseEncoder, Temporal, WholePicture, WholePose

SHAPES = {"embedding": ["N", WIDTH], "behaviour": ["B", 10], "attention": ["B"], "engagement": ["B", 4], "moments": ["B", "T"], "direction": ["N", DIRECTION]}
BOX_SHAPES = {"behaviour": ["N", 10], "direction": ["N", DIRECTION], "numbers": ["N", NUMBERS]}


def fold_pads(graph):
    """TensorFlow's padding, which torch writes as an op of its own, becomes the convolution's."""
    makers = {n.output[0]: n for n in graph.node}
    for conv in [n for n in graph.node if n.op_type == "Conv"]:
        pad = makers.get(conv.input[0])
        if pad is not None and pad.op_type == "Pad":
            conv.input[0] = pad.input[0]
            for a in conv.attribute:
                if a.name == "pads":
                    a.ints[:] = [0, 0, 1, 1]
    while drop_unused(graph):
        pass


def drop_unused(graph):
    used = {i for n in graph.node for i in n.input} | {o.name for o in graph.output}
    dead = [n for n in graph.node if not any(o in used for o in n.output)]
    for n in dead:
        graph.node.remove(n)
    for t in [t for t in graph.initializer if t.name not in used]:
        graph.initializer.remove(t)
    return dead


def name_shapes(graph, shapes):
    for out in graph.output:
        for dim, want in zip(out.type.tensor_type.shape.dim, shapes[out.name]):
            if isinstance(want, int):
                dim.dim_value = want
            else:
                dim.dim_param = want


def write(whole, inputs, path, shapes=SHAPES):
    whole.eval()
    inputs = inputs | ({"offset": torch.zeros(2, 2), "seen": torch.ones(2, 2)} if "embedding" in shapes else {})
    axes = {k: {0: "B", 1: "T"} if k in ("offset", "seen") else {0: "N"} for k in inputs}
    torch.onnx.export(whole, tuple(inputs.values()), path, input_names=list(inputs), output_names=list(shapes), dynamic_axes=axes, opset_version=17, dynamo=False)
    model = onnx.load(path)
    fold_pads(model.graph)
    name_shapes(model.graph, shapes)
    del model.graph.value_info[:]
    onnx.checker.check_model(model)
    onnx.save(model, path)


def small_encoder(lightning, size, state):
    lower, upper = small.upper(lightning, size)
    upper.load_state_dict(state)
    return PictureEncoder(nn.Sequential(*lower, *upper.up), upper.h)


def main(kind, weights, out, temperature, lightning=None):
    state = torch.load(weights)
    if kind == "boxes":
        whole = boxes.Whole([boxes.Member(deep) for deep in boxes.KINDS], len(state["kinds.0.votes"]) // 2)  # the heads and their mirror images
        whole.load_state_dict(state)
        whole.temperature.fill_(float(temperature))
        wide = {"pose": POSE, "around": boxes.AROUND, "features": 1280, "second_pose": POSE, "second_around": 3 * DIRECTION, "head": boxes.OUTLINES}
        write(whole, {name: torch.rand(4, n) for name, n in wide.items()}, out, BOX_SHAPES)
        return
    temporal = Temporal()
    temporal.load_state_dict(state["temporal"])
    temporal.temperature.fill_(float(temperature))
    if kind == "l":
        encoder = PoseEncoder()
        encoder.load_state_dict(state["encoder"])
        write(WholePose(encoder, temporal), {"pose": torch.rand(4, POSE), "features": torch.rand(4, DEEP)}, out)
    else:
        side = small.SIZES[kind][0]
        write(WholePicture(small_encoder(lightning, kind, state["encoder"]), temporal), {"picture": torch.randn(4, 5, side, side)}, out)


if __name__ == "__main__":
    main(*sys.argv[1:])
