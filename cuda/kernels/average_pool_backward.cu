// Gradient of the mean of windows in fp32.
//
//   dx[i, j] = Σ dy / (elements counted) of the windows that hold (i, j)
//
// Shapes: dx (planes, h, w), dy (planes, oh, ow).
// Launch: 128 threads, one input each, grid (planes, ⌈h·w / 128⌉). Bound: memory.
#include "common.cuh"
#include "pool_backward.cuh"

KERNEL __launch_bounds__(128) average_pool_backward(const float* __restrict__ dy, float* __restrict__ dx, int h, int w, int oh, int ow, int kh, int kw, int sh, int sw,
    int top, int left, int counted) {
  const int p = blockIdx.y * 128 + threadIdx.x;
  if (p >= h * w) return;
  const int i = p / w + top, j = p % w + left;
  float sum = 0;
#pragma unroll 1
  for (int r = firstWindow(i, kh, sh); r < endWindow(i, sh, oh); r++)
#pragma unroll 1
    for (int s = firstWindow(j, kw, sw); s < endWindow(j, sw, ow); s++) {
      const int rows = min(r * sh - top + kh, h) - max(r * sh - top, 0), columns = min(s * sw - left + kw, w) - max(s * sw - left, 0);
      sum += dy[(size_t)blockIdx.x * oh * ow + r * ow + s] / (counted ? kh * kw : rows * columns);
    }
  dx[(size_t)blockIdx.x * h * w + p] = sum;
}
