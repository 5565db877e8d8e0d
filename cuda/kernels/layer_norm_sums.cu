// Gradients of layer norm's shift and scale in fp32, in parts that fold adds up.
//
//   z = (x - mean_r)·inverse_r
//   part[s, 0, i] = Σ_r dy, part[s, 1, i] = Σ_r dy·z over the rows s·per to (s+1)·per
//
// Shapes: x, dy (rows, n), means and inverses (rows) from layer_norm, part (parts, 2, n).
// Launch: 256 threads, 32 columns in 8 lines, grid (⌈n / 32⌉, parts). Bound: memory.
#include "common.cuh"

KERNEL __launch_bounds__(256) layer_norm_sums(const float* __restrict__ x, const float* __restrict__ dy, const float* __restrict__ means, const float* __restrict__ inverses,
    float* __restrict__ part, int rows, int n, int per) {
  __shared__ float all[8][32], normed[8][32];
  const int lane = threadIdx.x & 31, line = threadIdx.x >> 5, i = blockIdx.x * 32 + lane, end = min(rows, (int)(blockIdx.y + 1) * per);
  float a = 0, b = 0;
  if (i < n)
#pragma unroll 1
    for (int r = blockIdx.y * per + line; r < end; r += 8) {
      const float g = dy[(size_t)r * n + i];
      a += g;
      b += g * ((x[(size_t)r * n + i] - means[r]) * inverses[r]);
    }
  all[line][lane] = a;
  normed[line][lane] = b;
  __syncthreads();
  if (line || i >= n) return;
#pragma unroll
  for (int k = 1; k < 8; k++) {
    a += all[k][lane];
    b += normed[k][lane];
  }
  part[(size_t)blockIdx.y * 2 * n + i] = a;
  part[((size_t)blockIdx.y * 2 + 1) * n + i] = b;
}
