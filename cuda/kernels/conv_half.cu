// Convolution on the tensor cores as an implicit GEMM: bf16 or fp16 in, fp32 sums, fp32 or
// the same out, channels last, with bias, residual and clamp in the same pass.
//
//   y[n, i, j, o] = clamp(Σ_{a, b, c} w[o, a, b, c] · x[n, i·sh - top + a·dh, j·sw - left + b·dw, c] + bias[o] + residual[n, i, j, o])
//
// Shapes: x (N, h, w, C), w (M, kh, kw, C) from pack_half, y and residual (N, oh, ow, M), fp32 where wide is 1; bias (M) fp32. C a multiple of 8 (zeros where there are
// fewer), M of 4. pixels = N·oh·ow. A 1 x 1 convolution is the same with kh = kw = 1, a
// fully connected layer with h = w = 1.
// Launch: 256 threads, grid (⌈M / WIDE⌉, ⌈pixels / 128⌉), WIDE by the kernel's name: 32 wastes less where M is thin.
// Bound: memory up to some 300 channels on the narrower side, tensor cores above. Pieces of
// 16 bytes are 8 channels of one pixel, copied past the registers, zeros outside the picture. The sums of a network's layers are one to four stages long: what
// hides the way to memory is blocks beside each other, three or four a multiprocessor.
#include "common.cuh"
#include "tensor.cuh"

struct Picture {
  int h, w, c, oh, ow, kh, kw, sh, sw, dh, dw, top, left;
};

template <class H, int WIDE>
DEVICE void conv(const u16* __restrict__ x, const u16* __restrict__ wt, const float* __restrict__ bias, const void* __restrict__ residual, void* __restrict__ y, int m,
                 int pixels, const Picture g, float lo, float hi, int wide) {
  typedef TensorTile<H, WIDE, false, true> T;
  __shared__ __align__(16) u16 shared[STAGES * T::SIZE < ROWS * T::OUT * 2 ? ROWS * T::OUT * 2 : STAGES * T::SIZE];
  const int t = threadIdx.x, m0 = blockIdx.x * WIDE, p0 = blockIdx.y * ROWS, k = g.kh * g.kw * g.c;
  // This thread fetches the same 8 numbers of each stage, of two pixels and of one output's weights.
  int y0[2], x0[2];
  const u16* from[2];
#pragma unroll
  for (int i = 0; i < 2; i++) {
    const int p = p0 + t / 4 + i * 64, n = p / (g.oh * g.ow), at = p % (g.oh * g.ow);
    y0[i] = p < pixels ? at / g.ow * g.sh - g.top : -(1 << 20);
    x0[i] = at % g.ow * g.sw - g.left;
    from[i] = x + (size_t)n * g.h * g.w * g.c;
  }
  int channel = t % 4 * 8, a = 0, b = 0;
  const int o = m0 + t / 4;
  T tile;
  tile.run(shared, (k + STEP - 1) / STEP, [&](int s, u16* as, u16* bs) {
    while (channel >= g.c) {  // the next tap; a reaches kh behind the last
      channel -= g.c;
      if (++b == g.kw) {
        b = 0;
        a++;
      }
    }
#pragma unroll
    for (int i = 0; i < 2; i++) {
      const int iy = y0[i] + a * g.dh, ix = x0[i] + b * g.dw;
      const bool on = (u32)iy < (u32)g.h && (u32)ix < (u32)g.w && a < g.kh;
      copy16(as + (t / 4 + i * 64) * PITCH + t % 4 * 8, on ? from[i] + (size_t)(iy * g.w + ix) * g.c + channel : x, on);
    }
    if (WIDE == 64 || t < WIDE * 4) {
      const int q = s * STEP + t % 4 * 8;
      const bool on = q < k && o < m;
      copy16(bs + t / 4 * PITCH + t % 4 * 8, on ? wt + (size_t)o * k + q : wt, on);
    }
    channel += STEP;
  });
  tile.keep((float*)shared);
  finish<H, WIDE, T::OUT>((float*)shared, bias ? bias + m0 : nullptr, residual, y, (size_t)p0 * m + m0, min(ROWS, pixels - p0), min(WIDE, m - m0), m, 1, lo, hi, wide);
}

#define CONV(NAME, H, WIDE)                                                                                                                          \
  KERNEL __launch_bounds__(256, WIDE == 64 ? 3 : 4) NAME(const u16* __restrict__ x, const u16* __restrict__ w, const float* __restrict__ bias,                        \
      const void* __restrict__ residual, void* __restrict__ y, int m, int pixels, int h, int wd, int c, int oh, int ow, int kh, int kw, int sh,      \
      int sw, int dh, int dw, int top, int left, float lo, float hi, int wide) {                                                                     \
    conv<H, WIDE>(x, w, bias, residual, y, m, pixels, Picture{h, wd, c, oh, ow, kh, kw, sh, sw, dh, dw, top, left}, lo, hi, wide);                   \
  }
CONV(conv_bf16_32, Bf16, 32)
CONV(conv_bf16_64, Bf16, 64)
CONV(conv_fp16_32, Fp16, 32)
CONV(conv_fp16_64, Fp16, 64)
