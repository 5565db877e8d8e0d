// Copies between tensors that lie differently in memory, words of 4 bytes: transpose, slice,
// concat and expand are all this one.
//
//   y[atY + Σ i_d·stepY_d] = x[atX + Σ i_d·stepX_d] over a box of four axes (missing ones have size 1)
//
// Shapes: the box (n0, n1, n2, n3), total elements; x and y by their first element and steps.
// Launch: 256 threads, one element each, grid ⌈total / 256⌉.
// Bound: memory; a transpose reads or writes with a stride, which the second cache softens.
#include "common.cuh"

KERNEL __launch_bounds__(256) copy_strided(const float* __restrict__ x, float* __restrict__ y, int total, int n1, int n2, int n3, int atX, int x0, int x1,
    int x2, int x3, int atY, int y0, int y1, int y2, int y3) {
  const u32 i = blockIdx.x * 256 + threadIdx.x;
  if (i >= (u32)total) return;
  const int d = i % n3, c = i / n3 % n2, b = i / (n3 * n2) % n1, a = i / ((u32)n3 * n2 * n1);
  y[atY + a * y0 + b * y1 + c * y2 + d * y3] = x[atX + a * x0 + b * x1 + c * x2 + d * x3];
}
