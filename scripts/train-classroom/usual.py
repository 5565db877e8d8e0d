"""Lets a stored network expect what is usual in a lesson: data.usual's factors become part of the bias of its last layer. usage: usual.py WORK NET.onnx OUT.onnx

NET is what export.py (of s, narrow.py) wrote, trained on all of WORK/real and WORK/made.
"""
import os
import sys

import numpy as np
import onnx
from onnx import numpy_helper

from data import Table, usual


def main(work, net, to):
    model = onnx.load(net)
    stored = {t.name: t for t in model.graph.initializer}
    bias, temperature = (stored["temporal." + name] for name in ("behaviour.bias", "temperature"))
    factors = np.log(usual(np.concatenate([Table(os.path.join(work, f)).y for f in ("real", "made")])))
    value = numpy_helper.to_array(bias) + numpy_helper.to_array(temperature) * (factors - factors.mean())  # what the graph divides by the temperature
    bias.CopyFrom(numpy_helper.from_array(value.astype(np.float32), bias.name))
    onnx.checker.check_model(model)
    onnx.save(model, to)


if __name__ == "__main__":
    main(*sys.argv[1:])
