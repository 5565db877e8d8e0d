// What other maps hold at the places that the kernel peaks found, so that only that comes back.
//
//   y[k, c] = map[(plane·channels + first + c)·area + place],  found[k] = plane·area + place,  k < min(count[0], most)
//
// Shapes: map (planes·channels, area); found (most, 2), count (1): of peaks; y (most, n), rows from the count on stay as they are.
// Launch: 128 threads, one value each, grid ⌈most·n / 128⌉. Bound: memory, a sector a value.
#include "common.cuh"

KERNEL __launch_bounds__(128) peak_values(const float* __restrict__ map, const int2* __restrict__ found, const int* __restrict__ count, float* __restrict__ y, int channels, int first, int n, int area, int most) {
  const int q = blockIdx.x * 128 + threadIdx.x;
  if (q >= min(count[0], most) * n) return;
  const int p = found[q / n].x;
  y[q] = map[(size_t)(p / area * channels + first + q % n) * area + p % area];
}
