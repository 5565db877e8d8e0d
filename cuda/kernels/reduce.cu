// Reductions along one axis in fp32.
//
//   y[o, i] = op_k x[o, k, i], op one of 0 sum, 1 mean, 2 max, 3 min
//
// Shapes: x (outer, n, inner), y (outer, inner). NaN goes through.
// Launch: reduce_rows (inner = 1): a warp a row, 128 threads, grid ⌈outer / 4⌉. reduce: a thread
// a result, 128 threads, grid (outer, ⌈inner / 128⌉). Bound: memory.
#include "common.cuh"

enum { SUM, MEAN, MAX, MIN };

DEVICE float start(int op) { return op == MAX ? -infinity() : op == MIN ? infinity() : 0.f; }
DEVICE float join(int op, float a, float b) { return op == MAX ? greater(a, b) : op == MIN ? lesser(a, b) : a + b; }

KERNEL __launch_bounds__(128) reduce_rows(const float* __restrict__ x, float* __restrict__ y, int outer, int n, int op) {
  const int r = blockIdx.x * 4 + (threadIdx.x >> 5), lane = threadIdx.x & 31;
  if (r >= outer) return;
  float v = start(op);
#pragma unroll 1
  for (int k = lane; k < n; k += 32) v = join(op, v, x[(size_t)r * n + k]);
#pragma unroll 1
  for (int o = 16; o > 0; o >>= 1) v = join(op, v, __shfl_xor_sync(0xffffffffu, v, o));
  if (lane == 0) y[r] = op == MEAN ? v / n : v;
}

KERNEL __launch_bounds__(128) reduce(const float* __restrict__ x, float* __restrict__ y, int n, int inner, int op) {
  const int i = blockIdx.y * 128 + threadIdx.x;
  if (i >= inner) return;
  x += (size_t)blockIdx.x * n * inner + i;
  float v = start(op);
#pragma unroll 1
  for (int k = 0; k < n; k++) v = join(op, v, x[(size_t)k * inner]);
  y[(size_t)blockIdx.x * inner + i] = op == MEAN ? v / n : v;
}
