// Gradient of the depthwise convolution by its input in fp32.
//
//   dx[n, c, i, j] = Σ_{a, b} w[c, a, b] · dy[n, c, r, s], r = (i + top - a·dh) / sh, s = (j + left - b·dw) / sw whole and inside
//
// Shapes: dx (N, C, h, w), dy (N, C, oh, ow), w (C, kh, kw).
// Launch: 128 threads, one element each, grid (N·C, ⌈h·w / 128⌉). Bound: memory.
#include "common.cuh"

KERNEL __launch_bounds__(128) depthwise_input(const float* __restrict__ dy, const float* __restrict__ w, float* __restrict__ dx, int c, int h, int wide, int oh, int ow,
    int kh, int kw, int sh, int sw, int dh, int dw, int top, int left) {
  const int p = blockIdx.y * 128 + threadIdx.x;
  if (p >= h * wide) return;
  const float* from = dy + (size_t)blockIdx.x * oh * ow;
  const float* k = w + blockIdx.x % c * kh * kw;
  const int y0 = p / wide + top, x0 = p % wide + left;
  float sum = 0;
#pragma unroll 1
  for (int a = 0; a < kh; a++) {
    const int py = y0 - a * dh, r = py / sh;
    if (py < 0 || r >= oh || r * sh != py) continue;
#pragma unroll 1
    for (int b = 0; b < kw; b++) {
      const int px = x0 - b * dw, s = px / sw;
      if (px >= 0 && s < ow && s * sw == px) sum += k[a * kw + b] * from[r * ow + s];
    }
  }
  dx[(size_t)blockIdx.x * h * wide + p] = sum;
}
