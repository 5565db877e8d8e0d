// Gradient of the mean of planes in fp32.
//
//   dx[p, i] = dy[p] / area
//
// Shapes: dx (planes, area), dy (planes).
// Launch: 128 threads, one input each, grid (planes, ⌈area / 128⌉). Bound: memory.
#include "common.cuh"

KERNEL __launch_bounds__(128) global_pool_backward(const float* __restrict__ dy, float* __restrict__ dx, int area) {
  const int p = blockIdx.y * 128 + threadIdx.x;
  if (p < area) dx[(size_t)blockIdx.x * area + p] = dy[blockIdx.x] / area;
}
