// Gradient of softmax and log-softmax over rows in fp32.
//
//   dx[r, i] = y[r, i] · (dy[r, i] - Σ_j y[r, j]·dy[r, j]); logarithm: dx = dy - exp(y)·Σ_j dy
//
// Shapes: y (the result), dy, dx (rows, n). Launch: 128 threads, a warp a row, grid ⌈rows / 4⌉. Bound: memory.
#include "common.cuh"

KERNEL __launch_bounds__(128) softmax_backward(const float* __restrict__ y, const float* __restrict__ dy, float* __restrict__ dx, int rows, int n, int logarithm) {
  const int r = blockIdx.x * 4 + (threadIdx.x >> 5), lane = threadIdx.x & 31;
  if (r >= rows) return;
  const size_t at = (size_t)r * n;
  float sum = 0;
#pragma unroll 1
  for (int i = lane; i < n; i += 32) sum += logarithm ? dy[at + i] : y[at + i] * dy[at + i];
  sum = warpSum(sum);
#pragma unroll 1
  for (int i = lane; i < n; i += 32) dx[at + i] = logarithm ? dy[at + i] - expf(y[at + i]) * sum : y[at + i] * (dy[at + i] - sum);
}
