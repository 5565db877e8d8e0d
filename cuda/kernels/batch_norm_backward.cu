// Gradients of batch norm with its clamp, fp32.
//
//   z = (x - mean)·inverse, g = dy where lo < z·scale + shift < hi, else 0
//   part[s, 0, c] = Σ g, part[s, 1, c] = Σ g·z over the pictures s, s + parts, … of channel c
//   dx = scale·inverse·(g - (sums[0, c] + z·sums[1, c]) / (N·area))
//
// fold adds the parts up: sums (2, C) are the gradients of shift and of scale. Where the
// statistics are fixed, sums is none and dx = scale·inverse·g.
// Shapes: x, dy, dx (N, C, area), part (parts, 2, C), the rest (C). count is N·area.
// Launch: batch_norm_sums 128 threads, grid (C, parts); batch_norm_input 256 threads, one element each, grid
// (N·C, ⌈area / 256⌉). Bound: memory.
#include "common.cuh"

// passed is what the clamp lets through of a gradient.
DEVICE float passed(float g, float v, float lo, float hi) { return v > lo && v < hi ? g : 0.f; }

KERNEL __launch_bounds__(128) batch_norm_sums(const float* __restrict__ x, const float* __restrict__ dy, const float* __restrict__ means, const float* __restrict__ inverses,
    const float* __restrict__ scale, const float* __restrict__ shift, float* __restrict__ part, int n, int c, int area, float lo, float hi) {
  __shared__ float sums[4];
  const int k = blockIdx.x;
  const float mean = means[k], inverse = inverses[k], factor = scale[k], plus = shift[k];
  float all = 0, normed = 0;
#pragma unroll 1
  for (int q = blockIdx.y; q < n; q += gridDim.y)
#pragma unroll 1
    for (int p = threadIdx.x; p < area; p += 128) {
      const size_t i = ((size_t)q * c + k) * area + p;
      const float z = (x[i] - mean) * inverse, g = passed(dy[i], z * factor + plus, lo, hi);
      all += g;
      normed += g * z;
    }
  all = blockSum(all, sums);
  normed = blockSum(normed, sums);
  if (threadIdx.x) return;
  part[(blockIdx.y * 2) * c + k] = all;
  part[(blockIdx.y * 2 + 1) * c + k] = normed;
}

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
