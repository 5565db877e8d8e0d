// Depthwise convolution of 3 x 3, bf16 or fp16, channels last, fp32 sums, with bias and clamp: depthwise_half with the window fixed.
//
//   y[n, i, j, c] = clamp(Σ_{a,b} w[a, b, c] · x[n, i·sh - top + a, j·sw - left + b, c] + bias[c]),  x = 0 outside the picture
//
// Shapes: x (N, h, w, C), y (N, oh, ow, C), w (3, 3, 2, C/8, 4) fp32 as depthwise_half has it, bias (C) fp32 or none. C a multiple of 8, sw 1 or 2.
// total = N·oh·⌈ow / 2⌉·C / 8.
// Launch: 128 threads, 8 channels of two outputs side by side each, grid ⌈total / 128⌉. Bound: memory, and instructions about as much: 72 multiplications an
// output and 8 channels. Two outputs share their weights and what they both see; all loads of a row of the window are in flight together.
#include "common.cuh"
#include "tensor.cuh"

// cut is clamp, in two instructions.
DEVICE float cut(float x, float lo, float hi) {
  asm("max.NaN.f32 %0, %0, %1;" : "+f"(x) : "f"(lo));
  asm("min.NaN.f32 %0, %0, %1;" : "+f"(x) : "f"(hi));
  return x;
}

// One row of the window: S is the way from an output to the next, in pixels.
template <class H, int S>
DEVICE void add(float s[2][8], const uint4* __restrict__ row, const float4* __restrict__ w, int eighths, int x0, int wd) {
  uint4 q[3 + S];
  float4 k[3], l[3];
#pragma unroll
  for (int j = 0; j < 3 + S; j++) {
    q[j] = make_uint4(0, 0, 0, 0);
    if ((u32)(x0 + j) < (u32)wd) q[j] = *row;
    row += eighths;
  }
#pragma unroll
  for (int b = 0; b < 3; b++) {
    k[b] = *w;
    w += eighths;
    l[b] = *w;
    w += eighths;
  }
#pragma unroll
  for (int j = 0; j < 3 + S; j++) {
    const float v[8] = {H::low(q[j].x), H::high(q[j].x), H::low(q[j].y), H::high(q[j].y), H::low(q[j].z), H::high(q[j].z), H::low(q[j].w), H::high(q[j].w)};
#pragma unroll
    for (int o = 0; o < 2; o++) {
      const int b = j - o * S;
      if (b < 0 || b > 2) continue;
      const float u[8] = {k[b].x, k[b].y, k[b].z, k[b].w, l[b].x, l[b].y, l[b].z, l[b].w};
#pragma unroll
      for (int i = 0; i < 8; i++) s[o][i] += u[i] * v[i];
    }
  }
}

template <class H>
DEVICE void depthwise(const uint4* __restrict__ x, const float4* __restrict__ w, const float4* __restrict__ bias, uint4* __restrict__ y, int total, int eighths, int h, int wd,
                      int oh, int ow, int sh, int sw, int top, int left, float lo, float hi) {
  const int i = blockIdx.x * 128 + threadIdx.x;
  if (i >= total) return;
  const int pairs = (ow + 1) / 2, c = i % eighths, p = i / eighths, j = p % pairs * 2, line = p / pairs, y0 = line % oh * sh - top, x0 = j * sw - left;
  x += ((size_t)(line / oh) * h * wd + y0 * wd + x0) * eighths + c;
  w += c;
  float4 u = make_float4(0, 0, 0, 0), v = u;
  if (bias) {
    u = bias[c * 2];
    v = bias[c * 2 + 1];
  }
  float s[2][8] = {{u.x, u.y, u.z, u.w, v.x, v.y, v.z, v.w}, {u.x, u.y, u.z, u.w, v.x, v.y, v.z, v.w}};
  const int stride = wd * eighths;
#pragma unroll
  for (int a = 0; a < 3; a++) {
    if ((u32)(y0 + a) < (u32)h) {
      if (sw == 1) add<H, 1>(s, x, w, eighths, x0, wd);
      else add<H, 2>(s, x, w, eighths, x0, wd);
    }
    x += stride;
    w += 6 * eighths;
  }
  y += ((size_t)line * ow + j) * eighths + c;
#pragma unroll
  for (int o = 0; o < 2; o++) {
    if (j + o < ow)
      *y = make_uint4(H::pack(cut(s[o][0], lo, hi), cut(s[o][1], lo, hi)), H::pack(cut(s[o][2], lo, hi), cut(s[o][3], lo, hi)), H::pack(cut(s[o][4], lo, hi), cut(s[o][5], lo, hi)),
                      H::pack(cut(s[o][6], lo, hi), cut(s[o][7], lo, hi)));
    y += eighths;
  }
}

#define DEPTHWISE(NAME, H)                                                                                                                            \
  KERNEL __launch_bounds__(128) NAME(const uint4* __restrict__ x, const float4* __restrict__ w, const float4* __restrict__ bias, uint4* __restrict__ y,   \
      int total, int eighths, int h, int wd, int oh, int ow, int sh, int sw, int top, int left, float lo, float hi) {                                     \
    depthwise<H>(x, w, bias, y, total, eighths, h, wd, oh, ow, sh, sw, top, left, lo, hi);                                                                \
  }
DEPTHWISE(depthwise_bf16_3x3, Bf16)
DEPTHWISE(depthwise_fp16_3x3, Fp16)
