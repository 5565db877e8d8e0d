// The implicit GEMM that convolutions and their gradients by the input share: a tile
// of channels x pixels a block, K = (channel, tap) in steps of DEPTH, inputs fetched
// into registers while the tile before is worked on.
#pragma once
#include "common.cuh"

struct Geometry {
  int m, mpad, kpad, pixels, area, ow, picture, h, w, sh, sw, top, left;
};

// BACK: from pixels of the input to those outputs whose window touches them; a pixel is
// then one of dx, and sh and sw divide where they multiply else.
template <int BM, bool BACK>
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
  int y0 = BACK ? (int)(at / g.ow) + g.top : (int)(at / g.ow) * g.sh - g.top;
  const int x0 = BACK ? (int)(at % g.ow) + g.left : (int)(at % g.ow) * g.sw - g.left;
  const float* from = x + (size_t)n * g.picture + (size_t)blockIdx.z * groupIn + (BACK ? 0 : y0 * g.w + x0);
  if (mine >= g.pixels) y0 = BACK ? -1 : 1 << 20;

  float4 a;
  float b[ROWS];
  const int aRow = t / (BM / 4), aColumn = t % (BM / 4) * 4;
  auto fetch = [&](int k0) {
    if (QUADS == 256 || t < QUADS) a = *(const float4*)(wt + (size_t)(k0 + aRow) * g.mpad + aColumn);
#pragma unroll
    for (int i = 0; i < ROWS; i++) {
      const int2 tap = taps[k0 + t / BN + i * STEP];
      if (BACK) {
        const int py = y0 - (tap.y >> 16), px = x0 - (tap.y & 0xffff);
        const int iy = py / g.sh, ix = px / g.sw;
        const bool in = py >= 0 && px >= 0 && iy * g.sh == py && ix * g.sw == px && iy < g.h && ix < g.w;
        b[i] = in ? from[tap.x + iy * g.w + ix] : 0.f;
      } else {
        const int iy = y0 + (tap.y >> 16), ix = x0 + (tap.y & 0xffff);
        b[i] = (u32)iy < (u32)g.h && (u32)ix < (u32)g.w ? from[tap.x] : 0.f;
      }
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
