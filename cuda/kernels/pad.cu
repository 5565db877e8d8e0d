// A tensor within a larger one, fp32.
//
//   y[i] = x[i - before] inside, else fill; over four axes
//
// Shapes: y (m0, m1, m2, m3) dense, total elements, x (n0, n1, n2, n3) dense; before may be negative: that cuts off.
// Launch: 256 threads, one element each, grid ⌈total / 256⌉. Bound: memory.
#include "common.cuh"

KERNEL __launch_bounds__(256) pad(const float* __restrict__ x, float* __restrict__ y, int total, int m1, int m2, int m3, int n0, int n1, int n2, int n3,
    int before0, int before1, int before2, int before3, float fill) {
  const u32 i = blockIdx.x * 256 + threadIdx.x;
  if (i >= (u32)total) return;
  const int d = i % m3 - before3, c = i / m3 % m2 - before2, b = i / (m3 * m2) % m1 - before1, a = i / ((u32)m3 * m2 * m1) - before0;
  float v = fill;
  if ((u32)d < (u32)n3 && (u32)c < (u32)n2 && (u32)b < (u32)n1 && (u32)a < (u32)n0) v = x[((a * n1 + b) * n2 + c) * n3 + d];
  y[i] = v;
}
