// Gradient of a convolution by its weights as a GEMM in fp32 whose sum runs over all
// pixels, in parts that fold adds up: the order of the sum is always the same.
//
//   part[s, o, k] = Σ_{p in part s} dy[n(p), o, p] · x[n(p), c(k), i·sh - top + ky(k), j·sw - left + kx(k)]
//
// Shapes: dy (N, groups·M, oh, ow), x (N, groups·cg, h, w), part (splits, groups·M, K), K = cg·kh·kw;
// taps (≥ K) as in conv. per is the pixels a part, a multiple of 16.
// Launch: 256 threads, grid (⌈K / BN⌉, ⌈M / BM⌉, groups·splits), BN = 4096 / BM. Then fold(part, dw, splits, groups·M·K).
// Bound: FMA above some 40 channels on both sides, memory else. Lanes take 8 pixels
// of 4 rows: whole sectors of 32 bytes, and no bank twice.
#include "common.cuh"

template <int BM>
DEVICE void convWeight(const float* __restrict__ dy, const float* __restrict__ x, const int2* __restrict__ taps, float* __restrict__ part, int m, int k, int groups,
                       int pixels, int per, int area, int ow, int channels, int groupIn, int h, int w, int sh, int sw, int top, int left) {
  const int BN = Tile<BM>::BN, PAD = 4, AS = BM + PAD, BS = BN + PAD;
  __shared__ __align__(16) float shared[DEPTH * (AS + BS) < 4096 ? 4096 : DEPTH * (AS + BS)];  // also the 4096 results
  float *const as = shared, *const bs = shared + DEPTH * AS;
  const int t = threadIdx.x, k0 = blockIdx.x * BN, m0 = blockIdx.y * BM, group = blockIdx.z % groups, split = blockIdx.z / groups;
  const int lane = t & 7, row = t >> 3;  // pixel, and row of 32
  const int end = min(pixels, (split + 1) * per);
  Tile<BM> tile;
#pragma unroll 1
  for (int p0 = split * per; p0 < end; p0 += DEPTH) {
#pragma unroll
    for (int half = 0; half < 2; half++) {
      const int q = half * 8 + lane, p = p0 + q;
      const bool in = p < end;
      const int n = p / area, at = p % area, y0 = at / ow * sh - top, x0 = at % ow * sw - left;
      const float* from = dy + ((size_t)n * groups * m + group * m + m0) * area + at;
#pragma unroll
      for (int r = 0; r < (BM + 31) / 32; r++) {
        const int i = row + r * 32;
        if (BM % 32 == 0 || i < BM) as[q * AS + i] = in && m0 + i < m ? from[(size_t)i * area] : 0.f;
      }
      from = x + (size_t)n * channels * h * w + (size_t)group * groupIn + (y0 * w + x0);
#pragma unroll
      for (int r = 0; r < BN / 32; r++) {
        const int j = row + r * 32;
        float v = 0;
        if (in && k0 + j < k) {
          const int2 tap = taps[k0 + j];
          const int iy = y0 + (tap.y >> 16), ix = x0 + (tap.y & 0xffff);
          if ((u32)iy < (u32)h && (u32)ix < (u32)w) v = from[tap.x];
        }
        bs[q * BS + j] = v;
      }
    }
    __syncthreads();
    tile.template add<PAD>(as, bs);
    __syncthreads();
  }
  tile.keep(shared);
  float* to = part + (size_t)(blockIdx.z / groups * groups + group) * m * k + (size_t)m0 * k + k0;
  const int rows = min(BM, m - m0);
  if (k0 + t % BN >= k) return;
#pragma unroll 1
  for (int r = t / BN; r < rows; r += 256 / BN) to[(size_t)r * k + t % BN] = shared[r * BN + t % BN];
}

#define CONV(BM)                                                                                                                                     \
  KERNEL __launch_bounds__(256, 2) conv_weight_##BM(const float* __restrict__ dy, const float* __restrict__ x, const int2* __restrict__ taps,        \
      float* __restrict__ part, int m, int k, int groups, int pixels, int per, int area, int ow, int channels, int groupIn, int h, int w, int sh,    \
      int sw, int top, int left) {                                                                                                                   \
    convWeight<BM>(dy, x, taps, part, m, k, groups, pixels, per, area, ow, channels, groupIn, h, w, sh, sw, top, left);                              \
  }
CONV(16)
CONV(32)
CONV(64)
