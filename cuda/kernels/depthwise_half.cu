// Depthwise convolution of bf16 or fp16, channels last, fp32 sums, with bias and clamp.
//
//   y[n, i, j, c] = clamp(Σ_{a,b} w[a, b, c] · x[n, i·sh - top + a, j·sw - left + b, c] + bias[c])
//
// Shapes: x (N, h, w, C), y (N, oh, ow, C), bias (C) fp32 or none. C a multiple of 8. w (kh, kw, 2, C/8, 4) fp32: of each 8 channels
// the first four, then the last four, so that lanes side by side read numbers side by side. total = N·oh·ow·C / 8.
// Launch: 128 threads, 8 channels of one output each, grid ⌈total / 128⌉. Bound: memory, by pieces of 16 bytes.
#include "common.cuh"
#include "tensor.cuh"

template <class H>
DEVICE void depthwise(const uint4* __restrict__ x, const float4* __restrict__ w, const float4* __restrict__ bias, uint4* __restrict__ y, int total, int eighths, int h, int wd,
                      int oh, int ow, int kh, int kw, int sh, int sw, int top, int left, float lo, float hi) {
  const int i = blockIdx.x * 128 + threadIdx.x;
  if (i >= total) return;
  const int c = i % eighths, p = i / eighths, y0 = p / ow % oh * sh - top, x0 = p % ow * sw - left;
  const uint4* from = x + (size_t)(p / ow / oh) * h * wd * eighths + c;
  float4 u = make_float4(0, 0, 0, 0), v = u;
  if (bias) {
    u = bias[c * 2];
    v = bias[c * 2 + 1];
  }
#pragma unroll 1
  for (int a = 0; a < kh; a++) {
    if ((u32)(y0 + a) >= (u32)h) continue;
#pragma unroll 1
    for (int b = 0; b < kw; b++) {
      if ((u32)(x0 + b) >= (u32)wd) continue;
      const uint4 q = from[((y0 + a) * wd + x0 + b) * eighths];
      const float4 k = w[(a * kw + b) * 2 * eighths + c], l = w[((a * kw + b) * 2 + 1) * eighths + c];
      u = make_float4(u.x + k.x * H::low(q.x), u.y + k.y * H::high(q.x), u.z + k.z * H::low(q.y), u.w + k.w * H::high(q.y));
      v = make_float4(v.x + l.x * H::low(q.z), v.y + l.y * H::high(q.z), v.z + l.z * H::low(q.w), v.w + l.w * H::high(q.w));
    }
  }
  y[i] = make_uint4(H::pack(clamp(u.x, lo, hi), clamp(u.y, lo, hi)), H::pack(clamp(u.z, lo, hi), clamp(u.w, lo, hi)), H::pack(clamp(v.x, lo, hi), clamp(v.y, lo, hi)),
                    H::pack(clamp(v.z, lo, hi), clamp(v.w, lo, hi)));
}

#define DEPTHWISE(NAME, H)                                                                                                                            \
  KERNEL __launch_bounds__(128) NAME(const uint4* __restrict__ x, const float4* __restrict__ w, const float4* __restrict__ bias, uint4* __restrict__ y,   \
      int total, int eighths, int h, int wd, int oh, int ow, int kh, int kw, int sh, int sw, int top, int left, float lo, float hi) {                     \
    depthwise<H>(x, w, bias, y, total, eighths, h, wd, oh, ow, kh, kw, sh, sw, top, left, lo, hi);                                                        \
  }
DEPTHWISE(depthwise_bf16, Bf16)
DEPTHWISE(depthwise_fp16, Fp16)
