// Products of planes in fp32: the gradient of a channel's factor (squeeze and excitation).
//
//   y[p] = Σ_i a[p, i] · b[p, i]
//
// Shapes: a, b (planes, area), y (planes).
// Launch: 128 threads, a warp a plane, grid ⌈planes / 4⌉. Bound: memory.
#include "common.cuh"

KERNEL __launch_bounds__(128) plane_dot(const float* __restrict__ a, const float* __restrict__ b, float* __restrict__ y, int planes, int area) {
  const int plane = blockIdx.x * 4 + (threadIdx.x >> 5), lane = threadIdx.x & 31;
  if (plane >= planes) return;
  const size_t at = (size_t)plane * area;
  float sum = 0;
#pragma unroll 1
  for (int i = lane; i < area; i += 32) sum += a[at + i] * b[at + i];
  sum = warpSum(sum);
  if (lane == 0) y[plane] = sum;
}
