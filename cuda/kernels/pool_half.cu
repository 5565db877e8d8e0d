// Mean of each plane of bf16 or fp16 (half: 0 bf16, 1 fp16), channels last, to fp32.
//
//   y[n, c] = mean over p of x[n, p, c]
//
// Shapes: x (N, area, C), y (N, C), C even.
// Launch: 128 threads, 64 channels a block, grid (⌈C / 64⌉, N). Bound: memory.
#include "common.cuh"
#include "tensor.cuh"
#include "half.cuh"

KERNEL __launch_bounds__(128) pool_half(const u32* __restrict__ x, float* __restrict__ y, int c, int area, int half) {
  __shared__ float part[4][64];
  const int lane = threadIdx.x & 31, line = threadIdx.x >> 5, k = blockIdx.x * 64 + lane * 2;
  x += (size_t)blockIdx.y * area * (c / 2);
  float a = 0, b = 0;
  if (k < c)
#pragma unroll 4
    for (int p = line; p < area; p += 4) {
      const u32 v = x[(size_t)p * (c / 2) + k / 2];
      a += low(v, half);
      b += high(v, half);
    }
  part[line][lane] = a;
  part[line][32 + lane] = b;
  __syncthreads();
  if (line || k >= c) return;
#pragma unroll
  for (int r = 1; r < 4; r++) {
    a += part[r][lane];
    b += part[r][32 + lane];
  }
  *(float2*)(y + (size_t)blockIdx.y * c + k) = make_float2(a / area, b / area);
}
