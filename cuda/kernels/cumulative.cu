// Logits of ordered levels in fp32: a score less thresholds that rise (Cao et al. 2020).
//
//   at[0] = steps[0], at[j] = at[j-1] + softplus(steps[j]), y[i, j] = score[i] - at[j]
//
// Shapes: score (n), steps (k), y (n, k).
// Launch: 128 threads, one element each, grid ⌈n·k / 128⌉. Bound: latency.
#include "common.cuh"
#include "softplus.cuh"

KERNEL __launch_bounds__(128) cumulative(const float* __restrict__ score, const float* __restrict__ steps, float* __restrict__ y, int n, int k) {
  const int i = blockIdx.x * 128 + threadIdx.x;
  if (i >= n * k) return;
  float at = steps[0];
#pragma unroll 1
  for (int j = 1; j <= i % k; j++) at += fmaxf(steps[j], 0) + logOnePlusExp(-fabsf(steps[j]));
  y[i] = score[i / k] - at;
}
