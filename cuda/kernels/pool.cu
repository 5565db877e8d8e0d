// Pooling in fp32.
//
//   max_pool:     y = max of the window's elements inside the picture (-Inf where there is none)
//   average_pool: y = their mean; counted: divided by kh·kw, padding taken as 0
//   global_pool:  y[p] = mean of plane p
//
// Shapes: x (planes, h, w), y (planes, oh, ow); planes = N·C. NaN goes through.
// Launch: 128 threads, grid (planes, ⌈oh·ow / 128⌉); global_pool: a warp a plane, grid ⌈planes / 4⌉.
// Bound: memory.
#include "common.cuh"

template <bool MAX>
DEVICE void pool(const float* __restrict__ x, float* __restrict__ y, int h, int w, int oh, int ow, int kh, int kw, int sh, int sw, int top, int left, int counted) {
  const int p = blockIdx.y * 128 + threadIdx.x;
  if (p >= oh * ow) return;
  const float* from = x + (size_t)blockIdx.x * h * w;
  const int y0 = p / ow * sh - top, x0 = p % ow * sw - left;
  const int y1 = min(y0 + kh, h), x1 = min(x0 + kw, w);
  float v = MAX ? -infinity() : 0.f;
#pragma unroll 1
  for (int i = max(y0, 0); i < y1; i++)
#pragma unroll 1
    for (int j = max(x0, 0); j < x1; j++) v = MAX ? greater(v, from[i * w + j]) : v + from[i * w + j];
  if (!MAX) v /= counted ? kh * kw : max((y1 - max(y0, 0)) * (x1 - max(x0, 0)), 1);
  y[(size_t)blockIdx.x * oh * ow + p] = v;
}

KERNEL __launch_bounds__(128) max_pool(const float* __restrict__ x, float* __restrict__ y, int h, int w, int oh, int ow, int kh, int kw, int sh, int sw,
    int top, int left) {
  pool<true>(x, y, h, w, oh, ow, kh, kw, sh, sw, top, left, 0);
}
KERNEL __launch_bounds__(128) average_pool(const float* __restrict__ x, float* __restrict__ y, int h, int w, int oh, int ow, int kh, int kw, int sh, int sw,
    int top, int left, int counted) {
  pool<false>(x, y, h, w, oh, ow, kh, kw, sh, sw, top, left, counted);
}

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
