// What max_pool and average_pool share: a window's elements inside the picture.
#pragma once
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
