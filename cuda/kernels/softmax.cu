// Softmax and log-softmax over rows in fp32.
//
//   y[r, i] = exp(x[r, i] - m) / Σ_j exp(x[r, j] - m), m = max_j x[r, j]; logarithm: (x - m) - log Σ
//
// Shapes: x, y (rows, n). A NaN makes its row NaN.
// Launch: 128 threads, a warp a row, grid ⌈rows / 4⌉. Bound: memory; a row is read
// three times, from the first cache after the first.
#include "common.cuh"

KERNEL __launch_bounds__(128) softmax(const float* __restrict__ x, float* __restrict__ y, int rows, int n, int logarithm) {
  const int r = blockIdx.x * 4 + (threadIdx.x >> 5), lane = threadIdx.x & 31;
  if (r >= rows) return;
  x += (size_t)r * n;
  y += (size_t)r * n;
  float most = -infinity(), sum = 0;
#pragma unroll 1
  for (int i = lane; i < n; i += 32) most = greater(most, x[i]);
  most = warpMax(most);
#pragma unroll 1
  for (int i = lane; i < n; i += 32) sum += expf(x[i] - most);
  sum = warpSum(sum);
  const float low = logf(sum), scale = 1 / sum;
#pragma unroll 1
  for (int i = lane; i < n; i += 32) y[i] = logarithm ? x[i] - most - low : expf(x[i] - most) * scale;
}
