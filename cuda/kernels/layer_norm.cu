// Layer norm over rows in fp32 (Ba et al. 2016).
//
//   y[r, i] = (x[r, i] - mean_r) / sqrt(variance_r + ε) · scale[i] + shift[i]
//
// Shapes: x, y (rows, n), scale and shift (n); shift may be none. mean and inverse
// (rows) are kept for the backward pass when given.
// Launch: 128 threads, a warp a row, grid ⌈rows / 4⌉. Two passes over the row: the
// variance is the mean square of the differences, which cancels nothing. Bound: memory.
#include "common.cuh"

KERNEL __launch_bounds__(128) layer_norm(const float* __restrict__ x, const float* __restrict__ scale, const float* __restrict__ shift, float* __restrict__ y,
    float* __restrict__ means, float* __restrict__ inverses, int rows, int n, float epsilon) {
  const int r = blockIdx.x * 4 + (threadIdx.x >> 5), lane = threadIdx.x & 31;
  if (r >= rows) return;
  x += (size_t)r * n;
  y += (size_t)r * n;
  float mean = 0, squares = 0;
#pragma unroll 1
  for (int i = lane; i < n; i += 32) mean += x[i];
  mean = warpSum(mean) / n;
#pragma unroll 1
  for (int i = lane; i < n; i += 32) squares += (x[i] - mean) * (x[i] - mean);
  const float inverse = 1 / sqrtf(warpSum(squares) / n + epsilon);
  if (means && lane == 0) {
    means[r] = mean;
    inverses[r] = inverse;
  }
#pragma unroll 1
  for (int i = lane; i < n; i += 32) {
    float v = (x[i] - mean) * inverse * scale[i];
    if (shift) v += shift[i];
    y[i] = v;
  }
}
