// The functions of one element by number; cuda/exec has the same list.
#pragma once

enum Unary { RELU, NEG, SIGMOID, TANH, EXP, LOG, SQRT, ABS, ERF, SIN, COS, FLOOR, CEIL, RECIPROCAL, SOFTPLUS, HARD_SWISH, LEAKY, GELU, SILU };

DEVICE float sigmoid(float v) { return 1 / (1 + expf(-v)); }
