// Gradient of the greatest of windows in fp32.
//
//   dx[i, j] = Σ dy of the windows whose first greatest element is (i, j)
//
// Shapes: x, dx (planes, h, w), y, dy (planes, oh, ow).
// Launch: 128 threads, one input each, grid (planes, ⌈h·w / 128⌉). Bound: memory.
#include "common.cuh"
#include "pool_backward.cuh"

DEVICE bool same(float a, float b) { return a == b || (a != a && b != b); }

KERNEL __launch_bounds__(128, 8) max_pool_backward(const float* __restrict__ x, const float* __restrict__ y, const float* __restrict__ dy, float* __restrict__ dx, int h, int w,
    int oh, int ow, int kh, int kw, int sh, int sw, int top, int left) {
  const int p = blockIdx.y * 128 + threadIdx.x;
  if (p >= h * w) return;
  const size_t in = (size_t)blockIdx.x * h * w, out = (size_t)blockIdx.x * oh * ow;
  const int i = p / w, j = p % w;
  const float v = x[in + p];
  float sum = 0;
#pragma unroll 1
  for (int r = firstWindow(i + top, kh, sh); r < endWindow(i + top, sh, oh); r++)
#pragma unroll 1
    for (int s = firstWindow(j + left, kw, sw); s < endWindow(j + left, sw, ow); s++) {
      if (!same(v, y[out + r * ow + s])) continue;
      const float* rows = x + in;  // the window's elements before this one, line by line
      const int x0 = max(s * sw - left, 0), x1 = min(s * sw - left + kw, w);
      int a = max(r * sh - top, 0), b = x0;
      bool first = true;
#pragma unroll 1
      while (first && (a < i || b < j)) {
        first = !same(rows[a * w + b], v);
        if (++b == x1 && a < i) {
          b = x0;
          a++;
        }
      }
      if (first) sum += dy[out + r * ow + s];
    }
  dx[in + p] = sum;
}
