// Gradient of the clamp in fp32.
//
//   dx[i] = dy[i] where lo < x[i] < hi, else 0
//
// Shapes: x, dy, dx (n).
// Launch: 256 threads, one element each, grid ⌈n / 256⌉. Bound: memory.
#include "common.cuh"

KERNEL __launch_bounds__(256) cut_backward(const float* __restrict__ x, const float* __restrict__ dy, float* __restrict__ dx, int n, float lo, float hi) {
  const int i = blockIdx.x * 256 + threadIdx.x;
  if (i < n) dx[i] = x[i] > lo && x[i] < hi ? dy[i] : 0.f;
}
