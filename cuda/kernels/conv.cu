// Convolution as an implicit GEMM in fp32, with bias, residual and clamp in the
// same pass.
//
//   y[n, o, i, j] = clamp(Σ_k w[k, o] · x[n, c(k), i·sh - top + ky(k), j·sw - left + kx(k)] + bias[o] + residual[n, o, i, j])
//
// Shapes: x (N, groups·cg, h, w), y and residual (N, groups·M, oh, ow). w is packed
// (groups, Kpad, Mpad), k = (c, ky, kx), zeros where padded; taps (Kpad) hold for
// each k its offset in a picture and ky·dilation << 16 | kx·dilation; padded taps lie
// outside every picture.
// Launch: 256 threads, grid (⌈N·oh·ow / BN⌉, Mpad / BM, groups).
// Bound: by FMA for K above some 40; thin layers (K or M of 16) by memory.
#include "common.cuh"
#include "conv.cuh"

#define CONV(BM)                                                                                                                                     \
  KERNEL __launch_bounds__(256, 2) conv_##BM(const float* __restrict__ x, const float* __restrict__ w, const int2* __restrict__ taps,                   \
      const float* __restrict__ bias, const float* __restrict__ residual, float* __restrict__ y, int m, int mpad, int kpad, int pixels, int area,    \
      int ow, int picture, int groupIn, int h, int wide, int sh, int sw, int top, int left, float lo, float hi) {                                    \
    conv<BM, false>(x, w, taps, bias, residual, y, Geometry{m, mpad, kpad, pixels, area, ow, picture, h, wide, sh, sw, top, left}, groupIn, lo, hi);        \
  }
CONV(16)
CONV(32)
CONV(64)
