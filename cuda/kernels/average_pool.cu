// Mean of windows in fp32.
//
//   y = mean of the window's elements inside the picture; counted: divided by kh·kw, padding taken as 0
//
// Shapes: x (planes, h, w), y (planes, oh, ow); planes = N·C. NaN goes through.
// Launch: 128 threads, one output each, grid (planes, ⌈oh·ow / 128⌉).
// Bound: memory.
#include "common.cuh"
#include "pool.cuh"

KERNEL __launch_bounds__(128) average_pool(const float* __restrict__ x, float* __restrict__ y, int h, int w, int oh, int ow, int kh, int kw, int sh, int sw,
    int top, int left, int counted) {
  pool<false>(x, y, h, w, oh, ow, kh, kw, sh, sw, top, left, counted);
}
