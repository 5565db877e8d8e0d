// Peaks of heat maps, found on the device so that only they come back.
//
//   a pixel above the threshold is a peak when no pixel of the (2r+1)² round it is higher; of equals the first counts
//
// Shapes: heat (planes, h, w); found (most, 2): place in heat, bits of the value; count[0] peaks were
// there (it may be above most: the rest is dropped). The order is that of chance:
// the host sorts.
// Launch: 128 threads, one pixel each, grid (planes, ⌈h·w / 128⌉). Bound: memory.
#include "common.cuh"

KERNEL __launch_bounds__(128) peaks(const float* __restrict__ heat, int2* __restrict__ found, int* __restrict__ count, int h, int w, int r, float threshold, int most) {
  const int p = blockIdx.y * 128 + threadIdx.x;
  if (p >= h * w) return;
  const float* from = heat + (size_t)blockIdx.x * h * w;
  const float v = from[p];
  if (!(v > threshold)) return;
  const int y = p / w, x = p % w, y1 = min(y + r, h - 1), x0 = max(x - r, 0), x1 = min(x + r, w - 1);
#pragma unroll 1
  for (int i = max(y - r, 0); i <= y1; i++)
#pragma unroll 1
    for (int j = x0; j <= x1; j++) {
      const float o = from[i * w + j];
      if (o > v || (o == v && i * w + j < p)) return;
    }
  const int at = atomicAdd(count, 1);
  if (at < most) found[at] = make_int2(blockIdx.x * h * w + p, __float_as_int(v));
}
