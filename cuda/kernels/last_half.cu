// From fp32 channels first to bf16 or fp16 (half: 0 bf16, 1 fp16) channels last.
//
//   y[n, p, c] = x[n, c, p], zeros for c ≥ C
//
// Shapes: x (N, C, area), y (N, area, Cpad).
// Launch: 256 threads, 32 x 32 a block, grid (⌈area / 32⌉, ⌈Cpad / 32⌉, N). Bound: memory; the turn goes through shared memory, so that both sides go side by side.
#include "common.cuh"
#include "tensor.cuh"
#include "half.cuh"

KERNEL __launch_bounds__(256) last_half(const float* __restrict__ x, u16* __restrict__ y, int c, int pad, int area, int half) {
  __shared__ float tile[32][33];
  const int lane = threadIdx.x & 31, line = threadIdx.x >> 5, p0 = blockIdx.x * 32, c0 = blockIdx.y * 32;
  x += (size_t)blockIdx.z * c * area;
  y += (size_t)blockIdx.z * area * pad;
#pragma unroll
  for (int r = line; r < 32; r += 8) tile[r][lane] = c0 + r < c && p0 + lane < area ? x[(size_t)(c0 + r) * area + p0 + lane] : 0.f;
  __syncthreads();
#pragma unroll
  for (int r = line; r < 32; r += 8)
    if (p0 + r < area && c0 + lane < pad) y[(size_t)(p0 + r) * pad + c0 + lane] = (u16)pack(tile[lane][r], 0, half);
}
