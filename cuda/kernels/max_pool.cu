// Greatest of windows in fp32.
//
//   y = max of the window's elements inside the picture (-Inf where there is none)
//
// Shapes: x (planes, h, w), y (planes, oh, ow); planes = N·C. NaN goes through.
// Launch: 128 threads, one output each, grid (planes, ⌈oh·ow / 128⌉).
// Bound: memory.
#include "common.cuh"
#include "pool.cuh"

KERNEL __launch_bounds__(128) max_pool(const float* __restrict__ x, float* __restrict__ y, int h, int w, int oh, int ow, int kh, int kw, int sh, int sw,
    int top, int left) {
  pool<true>(x, y, h, w, oh, ow, kh, kw, sh, sw, top, left, 0);
}
