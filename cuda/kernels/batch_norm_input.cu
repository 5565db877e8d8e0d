// Gradient of batch norm by its input with its clamp, fp32.
//
//   z = (x - mean)·inverse, g = dy where lo < z·scale + shift < hi, else 0
//   dx = scale·inverse·(g - (sums[0, c] + z·sums[1, c]) / count)
//
// Shapes: x, dy, dx (N, C, area), sums (2, C) from batch_norm_sums and fold, the rest (C). count is N·area. Where the statistics are
// fixed, sums is none and dx = scale·inverse·g.
// Launch: 256 threads, one element each, grid (N·C, ⌈area / 256⌉). Bound: memory.
#include "common.cuh"
#include "batch_norm.cuh"

KERNEL __launch_bounds__(256) batch_norm_input(const float* __restrict__ x, const float* __restrict__ dy, const float* __restrict__ means, const float* __restrict__ inverses,
    const float* __restrict__ scale, const float* __restrict__ shift, const float* __restrict__ sums, float* __restrict__ dx, int c, int area, float count, float lo, float hi) {
  const int p = blockIdx.y * 256 + threadIdx.x, k = blockIdx.x % c;
  if (p >= area) return;
  const size_t i = (size_t)blockIdx.x * area + p;
  const float z = (x[i] - means[k]) * inverses[k];
  float g = passed(dy[i], z * scale[k] + shift[k], lo, hi);
  if (sums) g -= (sums[k] + z * sums[c + k]) / count;
  dx[i] = scale[k] * inverses[k] * g;
}
