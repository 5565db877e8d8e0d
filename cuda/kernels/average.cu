// Exponential moving average of weights, fp32.
//
//   mean = KEEP·mean + (1-KEEP)·w
//
// Shapes: w, mean (n), control (10): common.cuh has its slots. In a step that does not count nothing changes.
// Launch: 256 threads, one element each, grid ⌈n / 256⌉. Bound: memory.
#include "common.cuh"

KERNEL __launch_bounds__(256) average(const float* __restrict__ w, float* __restrict__ mean, const float* __restrict__ control, int n) {
  const int i = blockIdx.x * 256 + threadIdx.x;
  if (i >= n || control[COUNTS] == 0) return;
  mean[i] = control[KEEP] * mean[i] + (1 - control[KEEP]) * w[i];
}
