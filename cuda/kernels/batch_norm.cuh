// What the gradients of batch norm share.
#pragma once
#include "common.cuh"

// passed is what the clamp lets through of a gradient.
DEVICE float passed(float g, float v, float lo, float hi) { return v > lo && v < hi ? g : 0.f; }
