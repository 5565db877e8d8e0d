// Depthwise convolution in fp32 with bias and clamp: one small kernel a channel.
//
//   y[n, c, i, j] = clamp(Σ_{a,b} w[c, a, b] · x[n, c, i·sh - top + a·dh, j·sw - left + b·dw] + bias[c])
//
// Shapes: x (N, C, h, w), y (N, C, oh, ow), w (C, kh, kw).
// depthwise_3x3 has kernel and dilation fixed and keeps the nine weights in registers.
// Launch: 128 threads, one output each, grid (N·C, ⌈oh·ow / 128⌉).
// Bound: memory; neighbouring threads share their inputs in the first cache.
#include "common.cuh"

KERNEL __launch_bounds__(128) depthwise_3x3(const float* __restrict__ x, const float* __restrict__ w, const float* __restrict__ bias,
    float* __restrict__ y, int c, int h, int wide, int oh, int ow, int sh, int sw, int top, int left, float lo, float hi) {
  const int p = blockIdx.y * 128 + threadIdx.x, plane = blockIdx.x, channel = plane % c;
  if (p >= oh * ow) return;
  const float* from = x + (size_t)plane * h * wide;
  const float* k = w + channel * 9;
  const int y0 = p / ow * sh - top, x0 = p % ow * sw - left;
  float sum = bias ? bias[channel] : 0.f;
#pragma unroll
  for (int a = 0; a < 3; a++) {
    if ((u32)(y0 + a) >= (u32)h) continue;
#pragma unroll
    for (int b = 0; b < 3; b++)
      if ((u32)(x0 + b) < (u32)wide) sum += k[a * 3 + b] * from[(y0 + a) * wide + x0 + b];
  }
  y[(size_t)plane * oh * ow + p] = clamp(sum, lo, hi);
}

KERNEL __launch_bounds__(128) depthwise(const float* __restrict__ x, const float* __restrict__ w, const float* __restrict__ bias,
    float* __restrict__ y, int c, int h, int wide, int oh, int ow, int kh, int kw, int sh, int sw, int dh, int dw, int top, int left, float lo, float hi) {
  const int p = blockIdx.y * 128 + threadIdx.x, plane = blockIdx.x, channel = plane % c;
  if (p >= oh * ow) return;
  const float* from = x + (size_t)plane * h * wide;
  const float* k = w + channel * kh * kw;
  const int y0 = p / ow * sh - top, x0 = p % ow * sw - left;
  float sum = bias ? bias[channel] : 0.f;
#pragma unroll 1
  for (int a = 0; a < kh; a++) {
    const int iy = y0 + a * dh;
    if ((u32)iy >= (u32)h) continue;
#pragma unroll 1
    for (int b = 0; b < kw; b++) {
      const int ix = x0 + b * dw;
      if ((u32)ix < (u32)wide) sum += k[a * kw + b] * from[iy * wide + ix];
    }
  }
  y[(size_t)plane * oh * ow + p] = clamp(sum, lo, hi);
}
