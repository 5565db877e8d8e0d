// From bf16 or fp16 (half: 0 bf16, 1 fp16) channels last to fp32 channels first.
//
//   y[n, c, p] = x[n, p, c]
//
// Shapes: x (N, area, Cpad), y (N, C, area).
// Launch: 256 threads, 32 x 32 a block, grid (⌈area / 32⌉, ⌈C / 32⌉, N). Bound: memory; the turn goes through shared memory, so that both sides go side by side.
#include "common.cuh"
#include "tensor.cuh"
#include "half.cuh"

KERNEL __launch_bounds__(256) first_float(const u16* __restrict__ x, float* __restrict__ y, int c, int pad, int area, int half) {
  __shared__ float tile[32][33];
  const int lane = threadIdx.x & 31, line = threadIdx.x >> 5, p0 = blockIdx.x * 32, c0 = blockIdx.y * 32;
  x += (size_t)blockIdx.z * area * pad;
  y += (size_t)blockIdx.z * c * area;
#pragma unroll
  for (int r = line; r < 32; r += 8) tile[r][lane] = p0 + r < area && c0 + lane < c ? low(x[(size_t)(p0 + r) * pad + c0 + lane], half) : 0.f;
  __syncthreads();
#pragma unroll
  for (int r = line; r < 32; r += 8)
    if (c0 + r < c && p0 + lane < area) y[(size_t)(c0 + r) * area + p0 + lane] = tile[lane][r];
}
