// Gradients of the depthwise convolution in fp32.
//
//   dx[n, c, i, j] = Σ_{a, b} w[c, a, b] · dy[n, c, r, s], r = (i + top - a·dh) / sh, s = (j + left - b·dw) / sw whole and inside
//   part[q, c, a, b] = Σ_{n in part q} Σ_{i, j} dy[n, c, i, j] · x[n, c, i·sh - top + a·dh, j·sw - left + b·dw]
//
// Shapes: x, dx (N, C, h, w), dy (N, C, oh, ow), w (C, kh, kw), part (parts, C, kh, kw), which fold adds up; part q
// holds the pictures q, q + parts, …
// Launch: depthwise_input 128 threads, one element each, grid (N·C, ⌈h·w / 128⌉); depthwise_weight_3x3 (dilation 1): 128 threads a
// channel and part, grid (C, parts); depthwise_weight: the same a tap, grid (C, parts, kh·kw).
// Bound: memory; the nine shifted reads of a picture come from the first cache.
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

KERNEL __launch_bounds__(128) depthwise_weight_3x3(const float* __restrict__ dy, const float* __restrict__ x, float* __restrict__ part, int n, int c, int h, int wide,
    int oh, int ow, int sh, int sw, int top, int left) {
  __shared__ float sums[4];
  const int channel = blockIdx.x, area = oh * ow;
  float sum[9] = {0, 0, 0, 0, 0, 0, 0, 0, 0};
#pragma unroll 1
  for (int q = blockIdx.y; q < n; q += gridDim.y) {
    const float* g = dy + ((size_t)q * c + channel) * area;
    const float* from = x + ((size_t)q * c + channel) * h * wide;
#pragma unroll 1
    for (int p = threadIdx.x; p < area; p += 128) {
      const float v = g[p];
      const int y0 = p / ow * sh - top, x0 = p % ow * sw - left;
#pragma unroll
      for (int a = 0; a < 3; a++)
#pragma unroll
        for (int b = 0; b < 3; b++)
          if ((u32)(y0 + a) < (u32)h && (u32)(x0 + b) < (u32)wide) sum[a * 3 + b] += v * from[(y0 + a) * wide + x0 + b];
    }
  }
  part += ((size_t)blockIdx.y * c + channel) * 9;
#pragma unroll
  for (int t = 0; t < 9; t++) {
    const float v = blockSum(sum[t], sums);
    if (threadIdx.x == t) part[t] = v;
  }
}

KERNEL __launch_bounds__(128) depthwise_weight(const float* __restrict__ dy, const float* __restrict__ x, float* __restrict__ part, int n, int c, int h, int wide,
    int oh, int ow, int kw, int sh, int sw, int dh, int dw, int top, int left) {
  __shared__ float sums[4];
  const int channel = blockIdx.x, area = oh * ow, a = blockIdx.z / kw * dh - top, b = blockIdx.z % kw * dw - left;
  float sum = 0;
#pragma unroll 1
  for (int q = blockIdx.y; q < n; q += gridDim.y) {
    const float* g = dy + ((size_t)q * c + channel) * area;
    const float* from = x + ((size_t)q * c + channel) * h * wide;
#pragma unroll 1
    for (int p = threadIdx.x; p < area; p += 128) {
      const int iy = p / ow * sh + a, ix = p % ow * sw + b;
      if ((u32)iy < (u32)h && (u32)ix < (u32)wide) sum += g[p] * from[iy * wide + ix];
    }
  }
  sum = blockSum(sum, sums);
  if (threadIdx.x == 0) part[((size_t)blockIdx.y * c + channel) * gridDim.z + blockIdx.z] = sum;
}
