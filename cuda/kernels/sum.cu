// Sum of two tensors of one shape in fp32, with a clamp: the residual of a block.
//
//   y[i] = clamp(a[i] + b[i])
//
// Shapes: a, b, y (n).
// Launch: 256 threads, one element each, grid ⌈n / 256⌉. Bound: memory.
#include "common.cuh"

KERNEL __launch_bounds__(256) sum(const float* __restrict__ a, const float* __restrict__ b, float* __restrict__ y, int n, float lo, float hi) {
  const int i = blockIdx.x * 256 + threadIdx.x;
  if (i < n) y[i] = clamp(a[i] + b[i], lo, hi);
}
