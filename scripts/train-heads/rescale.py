"""Brings a head detector's logits to the scale of another, so that one slope and shift (ownSlope and ownShift in vision/people/own.go) turn both into probabilities.

usage: rescale.py HEADS.onnx SLOPE SHIFT OWN_SLOPE OWN_SHIFT OUT.onnx

SLOPE and SHIFT are what calibrate.py prints for HEADS.onnx. The map's first channel, the logit of a head's middle, becomes (SLOPE·z + SHIFT - OWN_SHIFT) / OWN_SLOPE.
"""
import sys

import onnx
from onnx import numpy_helper


def main():
    path, slope, shift, own_slope, own_shift, out = sys.argv[1], *map(float, sys.argv[2:6]), sys.argv[6]
    net = onnx.load(path)
    last = [n for n in net.graph.node if n.op_type == "Conv"][-1]
    if last.output[0] != net.graph.output[0].name:
        sys.exit(f"{path}: the last convolution does not make the output")
    for i in net.graph.initializer:
        if i.name not in last.input[1:]:
            continue
        v = numpy_helper.to_array(i).copy()
        v[0] *= slope / own_slope
        if i.name == last.input[2]:
            v[0] += (shift - own_shift) / own_slope
        i.CopyFrom(numpy_helper.from_array(v, i.name))
    onnx.save(net, out)


if __name__ == "__main__":
    main()
