// Stochastic gradient descent with momentum, fp32.
//
//   g' = g·factor + decay·w; m = momentum·m + g'; w -= rate·m
//
// Shapes: w, g, first (m) (n), control (10): common.cuh has its slots. In a step that does not count nothing changes.
// Launch: 256 threads, one element each, grid ⌈n / 256⌉. Bound: memory.
#include "common.cuh"

KERNEL __launch_bounds__(256) sgd(float* __restrict__ w, const float* __restrict__ g, float* __restrict__ first, const float* __restrict__ control, int n, float momentum, float decay) {
  const int i = blockIdx.x * 256 + threadIdx.x;
  if (i >= n || control[COUNTS] == 0) return;
  const float v = w[i], m = momentum * first[i] + g[i] * control[FACTOR] + decay * v;
  first[i] = m;
  w[i] = v - control[RATE] * m;
}
