// Matrix product on the tensor cores: bf16 or fp16 in, fp32 sums, fp32 or the same out, with
// a bias a column, residual and clamp.
//
//   c[z, i, j] = clamp(alpha · Σ_k a[z, i, k] · b[z, k, j] + bias[j] + residual[z, i, j])
//
// Shapes: _nt: a (M, K), b (N, K); _nn: a (M, K), b (K, N); _tn: a (K, M), b (K, N), all row-major; c and residual (M, N), both fp32 where wide is
// 1, else as a and b; bias fp32. Each has a step in elements between matrices of the batch (0: the same for all).
// The sides that lie in rows (K, or M and N) are multiples of 8, N of 4, and all addresses of 16 bytes. all: numbers of the sum in all z
// together; a long sum is split by taking z as its parts: part z has min(k, all - z·k). For a batch all is batch·k.
// Launch: 256 threads, grid (⌈N / 64⌉, ⌈M / 128⌉, batch).
// Bound: the tensor cores for all three sides above some 300 (an H100 does 295 bf16 operations a byte), memory else.
#include "common.cuh"
#include "tensor.cuh"

template <class H, bool TA, bool TB>
DEVICE void gemm(const u16* __restrict__ a, const u16* __restrict__ b, const float* __restrict__ bias, const void* __restrict__ residual, void* __restrict__ c, int m, int n,
                 int k, int stepA, int stepB, int stepC, int all, float alpha, float lo, float hi, int wide) {
  typedef TensorTile<H, 64, TA, TB> T;
  __shared__ __align__(16) u16 shared[STAGES * T::SIZE < ROWS * T::OUT * 2 ? ROWS * T::OUT * 2 : STAGES * T::SIZE];
  const int t = threadIdx.x, n0 = blockIdx.x * 64, m0 = blockIdx.y * ROWS, z = blockIdx.z;
  a += (size_t)z * stepA;
  b += (size_t)z * stepB;
  const int ks = min(k, all - z * k);
  T tile;
  tile.run(shared, (ks + STEP - 1) / STEP, [&](int s, u16* as, u16* bs) {
#pragma unroll
    for (int i = 0; i < 2; i++) {  // 128 x 32: 512 pieces of 8
      const int p = t + i * 256;
      if (TA) {
        const int q = s * STEP + p / 16, j = m0 + p % 16 * 8;
        const bool on = q < ks && j < m;
        copy16(as + p / 16 * (ROWS + 8) + p % 16 * 8, on ? a + (size_t)q * m + j : a, on);
      } else {
        const int q = s * STEP + p % 4 * 8, j = m0 + p / 4;
        const bool on = q < ks && j < m;
        copy16(as + p / 4 * PITCH + p % 4 * 8, on ? a + (size_t)j * k + q : a, on);
      }
    }
    if (TB) {
      const int q = s * STEP + t % 4 * 8, j = n0 + t / 4;
      const bool on = q < ks && j < n;
      copy16(bs + t / 4 * PITCH + t % 4 * 8, on ? b + (size_t)j * k + q : b, on);
    } else {
      const int q = s * STEP + t / 8, j = n0 + t % 8 * 8;
      const bool on = q < ks && j < n;
      copy16(bs + t / 8 * 72 + t % 8 * 8, on ? b + (size_t)q * n + j : b, on);
    }
  });
  tile.keep((float*)shared);
  finish<H, 64, T::OUT>((float*)shared, bias ? bias + n0 : nullptr, residual, c, (size_t)z * stepC + (size_t)m0 * n + n0, min(ROWS, m - m0), min(64, n - n0), n, alpha, lo, hi, wide);
}

#define GEMM(NAME, H, TA, TB)                                                                                                                        \
  KERNEL __launch_bounds__(256, 2) NAME(const u16* __restrict__ a, const u16* __restrict__ b, const float* __restrict__ bias,                        \
      const void* __restrict__ residual, void* __restrict__ c, int m, int n, int k, int stepA, int stepB, int stepC, int all, float alpha, float lo, \
      float hi, int wide) {                                                                                                                          \
    gemm<H, TA, TB>(a, b, bias, residual, c, m, n, k, stepA, stepB, stepC, all, alpha, lo, hi, wide);                                                \
  }
GEMM(gemm_bf16_nt, Bf16, false, true)
GEMM(gemm_bf16_nn, Bf16, false, false)
GEMM(gemm_bf16_tn, Bf16, true, false)
GEMM(gemm_fp16_nt, Fp16, false, true)
GEMM(gemm_fp16_nn, Fp16, false, false)
GEMM(gemm_fp16_tn, Fp16, true, false)
