// A factor and a shift a channel in fp32, with a clamp: batch norm with fixed statistics.
//
//   y[n, c, p] = clamp(x[n, c, p]·scale[c] + shift[c])
//
// Shapes: x, y (N, C, area), scale, shift (C).
// Launch: 256 threads, one element each, grid (N·C, ⌈area / 256⌉). Bound: memory.
#include "common.cuh"

KERNEL __launch_bounds__(256) affine(const float* __restrict__ x, const float* __restrict__ scale, const float* __restrict__ shift, float* __restrict__ y,
    int c, int area, float lo, float hi) {
  const int p = blockIdx.y * 256 + threadIdx.x, channel = blockIdx.x % c;
  if (p >= area) return;
  const size_t i = (size_t)blockIdx.x * area + p;
  y[i] = clamp(x[i] * scale[channel] + shift[channel], lo, hi);
}
