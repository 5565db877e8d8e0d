// 1x1 convolution, stride 1, in fp32: a GEMM whose right side is the picture as it
// lies in memory, so all loads and stores are 16 bytes wide.
//
//   y[n, o, p] = clamp(Σ_c w[c, o] · x[n, c, p] + bias[o] + residual[n, o, p])
//
// Shapes: x (N, K, area), y and residual (N, M, area), area a multiple of 4; w packed
// (Kpad, Mpad), zeros where padded.
// Launch: 256 threads, grid (⌈N·area / BN⌉, Mpad / BM).
// Bound: memory up to some 40 channels on the narrower side, FMA above.
#include "common.cuh"

template <int BM>
DEVICE void pointwise(const float* __restrict__ x, const float* __restrict__ wt, const float* __restrict__ bias, const float* __restrict__ residual,
                      float* __restrict__ y, int m, int mpad, int k, int kpad, int pixels, int area, float lo, float hi) {
  const int BN = Tile<BM>::BN, ACROSS = BN / 4, STEP = 256 / ACROSS, ROWS = DEPTH / STEP, QUADS = DEPTH * BM / 4;
  __shared__ __align__(16) float as[2][DEPTH * BM], bs[2][DEPTH * BN];
  const int t = threadIdx.x, p0 = blockIdx.x * BN, m0 = blockIdx.y * BM;
  wt += m0;
  const u32 mine = p0 + t % ACROSS * 4;  // four pixels of one picture
  const bool inside = mine < (u32)pixels;
  const float* from = x + (size_t)(mine / area) * k * area + mine % area;

  float4 a, b[ROWS];
  const int aRow = t / (BM / 4), aColumn = t % (BM / 4) * 4;
  auto fetch = [&](int k0) {
    if (QUADS == 256 || t < QUADS) a = *(const float4*)(wt + (size_t)(k0 + aRow) * mpad + aColumn);
#pragma unroll
    for (int i = 0; i < ROWS; i++) {
      const int c = k0 + t / ACROSS + i * STEP;
      b[i] = make_float4(0, 0, 0, 0);
      if (inside && c < k) b[i] = *(const float4*)(from + (size_t)c * area);
    }
  };
  auto keep = [&](int s) {
    if (QUADS == 256 || t < QUADS) *(float4*)&as[s][aRow * BM + aColumn] = a;
#pragma unroll
    for (int i = 0; i < ROWS; i++) *(float4*)&bs[s][(t / ACROSS + i * STEP) * BN + t % ACROSS * 4] = b[i];
  };

  Tile<BM> tile;
  fetch(0);
  keep(0);
  __syncthreads();
  int s = 0;
#pragma unroll 1
  for (int k0 = DEPTH; k0 < kpad; k0 += DEPTH, s ^= 1) {
    fetch(k0);
    tile.add(as[s], bs[s]);
    keep(s ^ 1);
    __syncthreads();
  }
  tile.add(as[s], bs[s]);

  const u32 p = p0 + tile.column;
  if (p >= (u32)pixels) return;
  const size_t to = (size_t)(p / area) * m * area + p % area;
#pragma unroll
  for (int i = 0; i < 4; i++) {
    const int o = m0 + tile.row + i;
    if (o >= m) break;
    const size_t q = to + (size_t)o * area;
    const float shift = bias ? bias[o] : 0.f;
    float4 v = make_float4(tile.acc[i][0] + shift, tile.acc[i][1] + shift, tile.acc[i][2] + shift, tile.acc[i][3] + shift);
    if (residual) {
      const float4 r = *(const float4*)(residual + q);
      v = make_float4(v.x + r.x, v.y + r.y, v.z + r.z, v.w + r.w);
    }
    *(float4*)(y + q) = make_float4(clamp(v.x, lo, hi), clamp(v.y, lo, hi), clamp(v.z, lo, hi), clamp(v.w, lo, hi));
  }
}

#define POINTWISE(BM)                                                                                                                              \
  KERNEL __launch_bounds__(256, 3) pointwise_##BM(const float* __restrict__ x, const float* __restrict__ w, const float* __restrict__ bias,           \
      const float* __restrict__ residual, float* __restrict__ y, int m, int mpad, int k, int kpad, int pixels, int area, float lo, float hi) {     \
    pointwise<BM>(x, w, bias, residual, y, m, mpad, k, kpad, pixels, area, lo, hi);                                                                \
  }
POINTWISE(16)
POINTWISE(32)
POINTWISE(64)
