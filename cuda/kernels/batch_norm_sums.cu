// Gradients of batch norm's shift and scale with its clamp, fp32, in parts that fold adds up.
//
//   z = (x - mean)·inverse, g = dy where lo < z·scale + shift < hi, else 0
//   part[s, 0, c] = Σ g, part[s, 1, c] = Σ g·z over the pictures s, s + parts, … of channel c
//
// Shapes: x, dy (N, C, area), part (parts, 2, C), the rest (C).
// Launch: 128 threads, grid (C, parts). Bound: memory.
#include "common.cuh"
#include "batch_norm.cuh"

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
