// Resizing planes in fp32, nearest.
//
//   y = x[rows[i], columns[j]]
//
// Where to look is worked out on the host in float64, once for a shape: sides holds a pair for each row, then for each column, whose
// first counts.
// Shapes: x (planes, h, w), y (planes, oh, ow), sides (oh + ow).
// Launch: 128 threads, one output each, grid (planes, ⌈oh·ow / 128⌉). Bound: memory.
#include "common.cuh"

KERNEL __launch_bounds__(128) resize_nearest(const float* __restrict__ x, const int2* __restrict__ sides, float* __restrict__ y, int h, int w, int oh, int ow) {
  const int p = blockIdx.y * 128 + threadIdx.x;
  if (p >= oh * ow) return;
  y[(size_t)blockIdx.x * oh * ow + p] = x[((size_t)blockIdx.x * h + sides[p / ow].x) * w + sides[oh + p % ow].x];
}
