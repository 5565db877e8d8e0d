// What the kernels of dense optical flow share: inverse search of patches, coarse to fine
// (after Kroeger et al. 2016, DIS, without its variational step). flow_gray and flow_halve make
// the levels, flow_patches finds shifts, flow_dense spreads them; cuda/flow launches them.
#pragma once
#include "common.cuh"

// between reads a plane at any place, linear between pixels.
DEVICE float between(const float* plane, int h, int w, float x, float y) {
  x = fminf(fmaxf(x, 0), w - 1);
  y = fminf(fmaxf(y, 0), h - 1);
  const int x0 = (int)x, y0 = (int)y, x1 = min(x0 + 1, w - 1), y1 = min(y0 + 1, h - 1);
  const float fx = x - x0, fy = y - y0;
  const float up = plane[y0 * w + x0] + fx * (plane[y0 * w + x1] - plane[y0 * w + x0]), down = plane[y1 * w + x0] + fx * (plane[y1 * w + x1] - plane[y1 * w + x0]);
  return up + fy * (down - up);
}
