// Gradient of the depthwise convolution by its weights in fp32, in parts that fold adds up.
//
//   part[q, c, a, b] = Σ_{n in part q} Σ_{i, j} dy[n, c, i, j] · x[n, c, i·sh - top + a·dh, j·sw - left + b·dw]
//
// Shapes: x (N, C, h, w), dy (N, C, oh, ow), part (parts, C, kh, kw); part q holds the pictures q, q + parts, …
// depthwise_weight_3x3 has kernel and dilation fixed and makes all nine sums in one reading.
// Launch: depthwise_weight_3x3: 128 threads a channel and part, grid (C, parts); depthwise_weight: the same a tap, grid (C, parts, kh·kw).
// Bound: memory; the nine shifted reads of a picture come from the first cache.
#include "common.cuh"

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
