// Clamp in fp32: ReLU, ReLU6 and their like where no other kernel takes them along.
//
//   y[i] = clamp(x[i]); NaN goes through
//
// Shapes: x, y (n).
// Launch: 256 threads, one element each, grid ⌈n / 256⌉. Bound: memory.
#include "common.cuh"

KERNEL __launch_bounds__(256) cut(const float* __restrict__ x, float* __restrict__ y, int n, float lo, float hi) {
  const int i = blockIdx.x * 256 + threadIdx.x;
  if (i < n) y[i] = clamp(x[i], lo, hi);
}
