// The next coarser level of a pyramid, fp32.
//
//   y = mean of 2 x 2 of x (an odd last row or column is left out)
//
// Shapes: x (N, h, w), y (N, h/2, w/2).
// Launch: 128 threads, one pixel of y each, grid (⌈pixels of y / 128⌉, N). Bound: memory.
#include "common.cuh"

KERNEL __launch_bounds__(128) flow_halve(const float* __restrict__ x, float* __restrict__ y, int h, int w) {
  const int p = blockIdx.x * 128 + threadIdx.x, oh = h / 2, ow = w / 2;
  if (p >= oh * ow) return;
  const float* from = x + (size_t)blockIdx.y * h * w + p / ow * 2 * w + p % ow * 2;
  y[(size_t)blockIdx.y * oh * ow + p] = .25f * ((from[0] + from[1]) + (from[w] + from[w + 1]));
}
