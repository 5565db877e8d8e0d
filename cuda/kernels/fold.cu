// Sums over rows in fp32, in parts whose order never changes: the last step of every
// gradient that is summed over a batch, and a bias's gradient.
//
//   y[s, i] = Σ_{r in part s} x[r, i] (+ y[s, i] where add is 1)
//
// Shapes: x (rows, n), y (parts, n); part s holds rows s·per to (s+1)·per. For few
// rows one part is enough; for many, a second launch folds the parts.
// Launch: 256 threads, 32 columns a block in 8 lines of rows, grid (⌈n / 32⌉, parts). Bound: memory.
#include "common.cuh"

KERNEL __launch_bounds__(256) fold(const float* __restrict__ x, float* y, int rows, int n, int per, int add) {
  __shared__ float part[8][32];
  const int lane = threadIdx.x & 31, line = threadIdx.x >> 5, i = blockIdx.x * 32 + lane;
  const int end = min(rows, (int)(blockIdx.y + 1) * per);
  float sum = 0;
  if (i < n)
#pragma unroll 4
    for (int r = blockIdx.y * per + line; r < end; r += 8) sum += x[(size_t)r * n + i];
  part[line][lane] = sum;
  __syncthreads();
  if (line || i >= n) return;
#pragma unroll
  for (int k = 1; k < 8; k++) sum += part[k][lane];
  y += (size_t)blockIdx.y * n + i;
  *y = add ? *y + sum : sum;
}
