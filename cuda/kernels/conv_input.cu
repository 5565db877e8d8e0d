// Gradient of a convolution by its input as an implicit GEMM in fp32, with what else
// flows into the input added in the same pass.
//
//   dx[n, c, i, j] = Σ_{o, a, b} w[o, c, a, b] · dy[n, o, r, s] + residual[n, c, i, j]
//   r = (i + top - a·dh) / sh, s = (j + left - b·dw) / sw, both whole and inside
//
// Shapes: dy (N, groups·O, h, w) - its size is the kernel's h and wide -, dx and residual (N, groups·M, oh, ow)
// where M is the input's channels a group. w is packed (groups, Kpad, Mpad) by pack_weights
// backward, k = (o, ky, kx); taps (Kpad) hold for each k o·h·w and
// ky·dilation << 16 | kx·dilation, padded taps 1 << 30. picture is groups·O·h·w, groupIn O·h·w.
// Launch: 256 threads, grid (⌈N·oh·ow / BN⌉, Mpad / BM, groups), BN = 4096 / BM.
// Bound: FMA. With a stride, the taps that meet no output are multiplied as zeros.
#include "common.cuh"
#include "conv.cuh"

#define CONV(BM)                                                                                                                                     \
  KERNEL __launch_bounds__(256, 2) conv_input_##BM(const float* __restrict__ dy, const float* __restrict__ w, const int2* __restrict__ taps,         \
      const float* __restrict__ residual, float* __restrict__ dx, int m, int mpad, int kpad, int pixels, int area, int ow, int picture, int groupIn, \
      int h, int wide, int sh, int sw, int top, int left) {                                                                                          \
    conv<BM, true>(dy, w, taps, nullptr, residual, dx, Geometry{m, mpad, kpad, pixels, area, ow, picture, h, wide, sh, sw, top, left}, groupIn,      \
                   -infinity(), infinity());                                                                                                         \
  }
CONV(16)
CONV(32)
CONV(64)
