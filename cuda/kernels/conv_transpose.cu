// Transposed convolution in fp32 with bias and clamp; also the gradient of a convolution
// by its input.
//
//   y[n, o, i, j] = clamp(Σ_{c, a, b: the window of input (r, s) touches (i, j)} x[n, c, r, s] · w[c, o, a, b] + bias[o])
//   r = (i + top - a·dh) / sh, s = (j + left - b·dw) / sw, both whole and inside
//
// Shapes: x (N, C, h, w), w (C, O, kh, kw), y (N, O, oh, ow).
// Launch: 128 threads, one output each, grid (N·O, ⌈oh·ow / 128⌉).
// Bound: memory; it is for the rare layers that enlarge, and for thin first layers in training.
#include "common.cuh"

KERNEL __launch_bounds__(128) conv_transpose(const float* __restrict__ x, const float* __restrict__ w, const float* __restrict__ bias, float* __restrict__ y,
    int c, int o, int h, int wide, int oh, int ow, int kh, int kw, int sh, int sw, int dh, int dw, int top, int left, float lo, float hi) {
  const int p = blockIdx.y * 128 + threadIdx.x, n = blockIdx.x / o, channel = blockIdx.x % o;
  if (p >= oh * ow) return;
  float sum = bias ? bias[channel] : 0.f;
#pragma unroll 1
  for (int a = 0; a < kh; a++) {
    const int i = p / ow + top - a * dh;
    if (i < 0 || i % sh || i / sh >= h) continue;
#pragma unroll 1
    for (int b = 0; b < kw; b++) {
      const int j = p % ow + left - b * dw;
      if (j < 0 || j % sw || j / sw >= wide) continue;
      const float* from = x + ((size_t)n * c * h + i / sh) * wide + j / sw;
      const float* k = w + (channel * kh + a) * kw + b;
#pragma unroll 1
      for (int q = 0; q < c; q++) sum += from[(size_t)q * h * wide] * k[(size_t)q * o * kh * kw];
    }
  }
  y[(size_t)blockIdx.x * oh * ow + p] = clamp(sum, lo, hi);
}
