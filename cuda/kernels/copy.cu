// Copies between tensors that lie differently in memory: transpose, slice, concat,
// expand and pad are all one of these.
//
//   copy_strided: y[atY + Σ i_d·stepY_d] = x[atX + Σ i_d·stepX_d] over a box of four axes (missing ones have size 1)
//   pad:          y[i] = x[i - before] inside, else fill; over four axes, y dense, x (n_d)
//
// Launch: 256 threads, one element each, grid ⌈elements / 256⌉.
// Bound: memory; a transpose reads or writes with a stride, which the second cache softens.
#include "common.cuh"

KERNEL __launch_bounds__(256) copy_strided(const float* __restrict__ x, float* __restrict__ y, int total, int n1, int n2, int n3, int atX, int x0, int x1,
    int x2, int x3, int atY, int y0, int y1, int y2, int y3) {
  const u32 i = blockIdx.x * 256 + threadIdx.x;
  if (i >= (u32)total) return;
  const int d = i % n3, c = i / n3 % n2, b = i / (n3 * n2) % n1, a = i / ((u32)n3 * n2 * n1);
  y[atY + a * y0 + b * y1 + c * y2 + d * y3] = x[atX + a * x0 + b * x1 + c * x2 + d * x3];
}

KERNEL __launch_bounds__(256) pad(const float* __restrict__ x, float* __restrict__ y, int total, int m1, int m2, int m3, int n0, int n1, int n2, int n3,
    int before0, int before1, int before2, int before3, float fill) {
  const u32 i = blockIdx.x * 256 + threadIdx.x;
  if (i >= (u32)total) return;
  const int d = i % m3 - before3, c = i / m3 % m2 - before2, b = i / (m3 * m2) % m1 - before1, a = i / ((u32)m3 * m2 * m1) - before0;
  float v = fill;
  if ((u32)d < (u32)n3 && (u32)c < (u32)n2 && (u32)b < (u32)n1 && (u32)a < (u32)n0) v = x[((a * n1 + b) * n2 + c) * n3 + d];
  y[i] = v;
}
