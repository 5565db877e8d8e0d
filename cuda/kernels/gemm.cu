// Matrix product in fp32, batched, with a bias a column, residual and clamp.
//
//   c[z, i, j] = clamp(alpha · Σ_k a[z, i, k] · b[z, k, j] + bias[j] + residual[z, i, j])
//
// Shapes: a (M, K), b (K, N), c and residual (M, N), row-major, each with a step
// between matrices of the batch (0: the same for all). gemm_nt takes b as (N, K),
// gemm_tn a as (K, M).
// Launch: 256 threads, grid (⌈N/64⌉, ⌈M/64⌉, batch).
// Bound: FMA for all three sides above some 60, memory else. Loads are along the
// contiguous side whichever way a matrix lies.
#include "common.cuh"

template <bool TA, bool TB>
DEVICE void gemm(const float* __restrict__ a, const float* __restrict__ b, const float* __restrict__ bias, const float* __restrict__ residual,
                 float* __restrict__ c, int m, int n, int k, int stepA, int stepB, int stepC, float alpha, float lo, float hi) {
  const int SIDE = 64, ROWS = 4;
  __shared__ __align__(16) float shared[SIDE * SIDE];
  float *const as = shared, *const bs = shared + DEPTH * SIDE;
  const int t = threadIdx.x, n0 = blockIdx.x * SIDE, m0 = blockIdx.y * SIDE;
  a += (size_t)blockIdx.z * stepA;
  b += (size_t)blockIdx.z * stepB;
  // Along a row of k: 16 threads each; along a row of the result: 64.
  const int kA = TA ? t / SIDE : t % DEPTH, iA = TA ? t % SIDE : t / DEPTH;
  const int kB = TB ? t % DEPTH : t / SIDE, jB = TB ? t / DEPTH : t % SIDE;
  Tile<SIDE> tile;
#pragma unroll 1
  for (int k0 = 0; k0 < k; k0 += DEPTH) {
#pragma unroll
    for (int r = 0; r < ROWS; r++) {
      const int q = kA + (TA ? r * 4 : 0), i = iA + (TA ? 0 : r * 16);
      const bool in = k0 + q < k && m0 + i < m;
      as[q * SIDE + (TA ? i : i ^ q * 4)] = in ? a[TA ? (size_t)(k0 + q) * m + m0 + i : (size_t)(m0 + i) * k + k0 + q] : 0.f;
    }
#pragma unroll
    for (int r = 0; r < ROWS; r++) {
      const int q = kB + (TB ? 0 : r * 4), j = jB + (TB ? r * 16 : 0);
      const bool in = k0 + q < k && n0 + j < n;
      bs[q * SIDE + (TB ? j ^ q * 4 : j)] = in ? b[TB ? (size_t)(n0 + j) * k + k0 + q : (size_t)(k0 + q) * n + n0 + j] : 0.f;
    }
    __syncthreads();
#pragma unroll
    for (int q = 0; q < DEPTH; q++) {  // the columns of a turned matrix are shuffled by q, so that stores meet no bank twice
      const float4 p = *(const float4*)(as + q * SIDE + (TA ? tile.row : tile.row ^ q * 4)), o = *(const float4*)(bs + q * SIDE + (TB ? tile.column ^ q * 4 : tile.column));
      const float u[4] = {p.x, p.y, p.z, p.w}, v[4] = {o.x, o.y, o.z, o.w};
#pragma unroll
      for (int i = 0; i < 4; i++)
#pragma unroll
        for (int j = 0; j < 4; j++) tile.acc[i][j] += u[i] * v[j];
    }
    __syncthreads();
  }
  tile.keep(shared);
  const int column = n0 + t % SIDE, rows = min(SIDE, m - m0);
  if (column >= n) return;
  const float shift = bias ? bias[column] : 0.f;
  const size_t to = (size_t)blockIdx.z * stepC + (size_t)m0 * n + column;
#pragma unroll 1
  for (int r = t / SIDE; r < rows; r += 4) {
    float v = alpha * shared[r * SIDE + t % SIDE] + shift;
    if (residual) v += residual[to + (size_t)r * n];
    c[to + (size_t)r * n] = clamp(v, lo, hi);
  }
}

#define GEMM(NAME, TA, TB)                                                                                                                      \
  KERNEL __launch_bounds__(256, 2) NAME(const float* __restrict__ a, const float* __restrict__ b, const float* __restrict__ bias,                  \
      const float* __restrict__ residual, float* __restrict__ c, int m, int n, int k, int stepA, int stepB, int stepC, float alpha, float lo,   \
      float hi) {                                                                                                                               \
    gemm<TA, TB>(a, b, bias, residual, c, m, n, k, stepA, stepB, stepC, alpha, lo, hi);                                                         \
  }
GEMM(gemm_nn, false, false)
GEMM(gemm_nt, false, true)
GEMM(gemm_tn, true, false)
