// RMSprop (Tieleman and Hinton 2012), fp32.
//
//   g' = g·factor + decay·w; s = keep·s + (1-keep)·g'²; w -= rate·g' / (sqrt(s) + ε)
//
// Shapes: w, g, second (s) (n), control (10): common.cuh has its slots. In a step that does not count nothing changes.
// Launch: 256 threads, one element each, grid ⌈n / 256⌉. Bound: memory.
#include "common.cuh"

KERNEL __launch_bounds__(256) rmsprop(float* __restrict__ w, const float* __restrict__ g, float* __restrict__ second, const float* __restrict__ control, int n, float keep, float decay,
    float epsilon) {
  const int i = blockIdx.x * 256 + threadIdx.x;
  if (i >= n || control[COUNTS] == 0) return;
  const float v = w[i], slope = g[i] * control[FACTOR] + decay * v, s = keep * second[i] + (1 - keep) * slope * slope;
  second[i] = s;
  w[i] = v - control[RATE] * slope / (sqrtf(s) + epsilon);
}
