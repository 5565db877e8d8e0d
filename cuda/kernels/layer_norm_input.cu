// Gradient of layer norm by its input in fp32.
//
//   z = (x - mean_r)·inverse_r, g = dy·scale
//   dx[r, i] = inverse_r · (g - (Σ_j g + z·Σ_j g·z) / n)
//
// Shapes: x, dy, dx (rows, n), means and inverses (rows) from layer_norm, scale (n).
// Launch: 128 threads, a warp a row, grid ⌈rows / 4⌉. Bound: memory.
#include "common.cuh"

KERNEL __launch_bounds__(128) layer_norm_input(const float* __restrict__ x, const float* __restrict__ dy, const float* __restrict__ scale, const float* __restrict__ means,
    const float* __restrict__ inverses, float* __restrict__ dx, int rows, int n) {
  const int r = blockIdx.x * 4 + (threadIdx.x >> 5), lane = threadIdx.x & 31;
  if (r >= rows) return;
  const float mean = means[r], inverse = inverses[r];
  const size_t at = (size_t)r * n;
  float all = 0, normed = 0;
#pragma unroll 1
  for (int i = lane; i < n; i += 32) {
    const float g = dy[at + i] * scale[i];
    all += g;
    normed += g * ((x[at + i] - mean) * inverse);
  }
  all = warpSum(all) / n;
  normed = warpSum(normed) / n;
#pragma unroll 1
  for (int i = lane; i < n; i += 32) dx[at + i] = inverse * (dy[at + i] * scale[i] - all - (x[at + i] - mean) * inverse * normed);
}
