// Functions of two elements in fp32, with broadcasting.
//
//   y[i] = g(a[i'], b[i'']), over four axes; a step of 0 repeats an operand along an axis
//
// Shapes: y (n0, n1, n2, n3) dense, total elements; a and b by their steps. which: 0 sum, 1 difference, 2 product, 3 quotient,
// 4 greater, 5 lesser (both keep NaN), 6 a, or a·b where a is negative (PReLU).
// Launch: 256 threads, one element each, grid ⌈total / 256⌉.
// Bound: memory. The choice of function is the same for a whole launch, so no warp diverges.
#include "common.cuh"

enum Binary { ADD, SUB, MUL, DIV, MAX, MIN, PRELU };

KERNEL __launch_bounds__(256) binary(const float* __restrict__ a, const float* __restrict__ b, float* __restrict__ y, int total, int n1, int n2, int n3,
    int a0, int a1, int a2, int a3, int b0, int b1, int b2, int b3, int which) {
  const u32 i = blockIdx.x * 256 + threadIdx.x;
  if (i >= (u32)total) return;
  const int l = i % n3, k = i / n3 % n2, j = i / (n3 * n2) % n1, h = i / ((u32)n3 * n2 * n1);
  const float u = a[h * a0 + j * a1 + k * a2 + l * a3], v = b[h * b0 + j * b1 + k * b2 + l * b3];
  float r;
  switch (which) {
    case ADD: r = u + v; break;
    case SUB: r = u - v; break;
    case MUL: r = u * v; break;
    case DIV: r = u / v; break;
    case MAX: r = greater(u, v); break;
    case MIN: r = lesser(u, v); break;
    default: r = u < 0 ? u * v : u;
  }
  y[i] = r;
}
