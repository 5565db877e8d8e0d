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

struct Geometry {
  int m, mpad, kpad, pixels, area, ow, picture, h, w, sh, sw, top, left;
};

template <int BM>
DEVICE void conv(const float* __restrict__ x, const float* __restrict__ wt, const int2* __restrict__ taps, const float* __restrict__ bias,
                 const float* __restrict__ residual, float* __restrict__ y, const Geometry g, int groupIn, float lo, float hi) {
  const int BN = Tile<BM>::BN, STEP = 256 / BN, ROWS = DEPTH / STEP, QUADS = DEPTH * BM / 4;
  __shared__ __align__(16) float shared[2 * DEPTH * (BM + BN)];
  float *const as = shared, *const bs = shared + 2 * DEPTH * BM;
  const int t = threadIdx.x, p0 = blockIdx.x * BN, m0 = blockIdx.y * BM;
  wt += (size_t)blockIdx.z * g.kpad * g.mpad + m0;

  // The pixel whose inputs this thread fetches; beyond the last: above every picture.
  const int mine = p0 + t % BN;
  const u32 n = (u32)mine / g.area, at = (u32)mine % g.area;
  int y0 = (int)(at / g.ow) * g.sh - g.top;
  const int x0 = (int)(at % g.ow) * g.sw - g.left;
  const float* from = x + (size_t)n * g.picture + (size_t)blockIdx.z * groupIn + (y0 * g.w + x0);
  if (mine >= g.pixels) y0 = 1 << 20;

  float4 a;
  float b[ROWS];
  const int aRow = t / (BM / 4), aColumn = t % (BM / 4) * 4;
  auto fetch = [&](int k0) {
    if (QUADS == 256 || t < QUADS) a = *(const float4*)(wt + (size_t)(k0 + aRow) * g.mpad + aColumn);
#pragma unroll
    for (int i = 0; i < ROWS; i++) {
      const int2 tap = taps[k0 + t / BN + i * STEP];
      const int iy = y0 + (tap.y >> 16), ix = x0 + (tap.y & 0xffff);
      b[i] = (u32)iy < (u32)g.h && (u32)ix < (u32)g.w ? from[tap.x] : 0.f;
    }
  };
  auto keep = [&](int s) {
    if (QUADS == 256 || t < QUADS) *(float4*)(as + s * DEPTH * BM + aRow * BM + aColumn) = a;
#pragma unroll
    for (int i = 0; i < ROWS; i++) bs[(s * DEPTH + t / BN + i * STEP) * BN + t % BN] = b[i];
  };

  Tile<BM> tile;
  fetch(0);
  keep(0);
  __syncthreads();
  int s = 0;
#pragma unroll 1
  for (int k0 = DEPTH; k0 < g.kpad; k0 += DEPTH, s ^= 1) {
    fetch(k0);
    tile.add(as + s * DEPTH * BM, bs + s * DEPTH * BN);
    keep(s ^ 1);
    __syncthreads();
  }
  tile.add(as + s * DEPTH * BM, bs + s * DEPTH * BN);

  tile.keep(shared);
  if (mine >= g.pixels) return;
  const int rows = min(BM, g.m - m0), first = blockIdx.z * g.m + m0;
  const size_t to = ((size_t)n * g.m * gridDim.z + first) * g.area + at;
#pragma unroll 1
  for (int r = t / BN; r < rows; r += STEP) {
    const size_t q = to + (size_t)r * g.area;
    float v = shared[r * BN + t % BN];
    if (bias) v += bias[first + r];
    if (residual) v += residual[q];
    y[q] = clamp(v, lo, hi);
  }
}

#define CONV(BM)                                                                                                                                     \
  KERNEL __launch_bounds__(256, 2) conv_##BM(const float* __restrict__ x, const float* __restrict__ w, const int2* __restrict__ taps,                   \
      const float* __restrict__ bias, const float* __restrict__ residual, float* __restrict__ y, int m, int mpad, int kpad, int pixels, int area,    \
      int ow, int picture, int groupIn, int h, int wide, int sh, int sw, int top, int left, float lo, float hi) {                                    \
    conv<BM>(x, w, taps, bias, residual, y, Geometry{m, mpad, kpad, pixels, area, ow, picture, h, wide, sh, sw, top, left}, groupIn, lo, hi);        \
  }
CONV(16)
CONV(32)
CONV(64)
