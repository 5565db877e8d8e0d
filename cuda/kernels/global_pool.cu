// Mean of planes in fp32.
//
//   y[p] = mean of plane p
//
// Shapes: x (planes, area), y (planes). NaN goes through.
// Launch: 128 threads, a warp a plane, grid ⌈planes / 4⌉. Bound: memory.
#include "common.cuh"

KERNEL __launch_bounds__(128) global_pool(const float* __restrict__ x, float* __restrict__ y, int planes, int area) {
  const int plane = blockIdx.x * 4 + (threadIdx.x >> 5), lane = threadIdx.x & 31;
  if (plane >= planes) return;
  const float* from = x + (size_t)plane * area;
  float sum = 0;
#pragma unroll 1
  for (int i = lane; i < area; i += 32) sum += from[i];
  sum = warpSum(sum);
  if (lane == 0) y[plane] = sum / area;
}
