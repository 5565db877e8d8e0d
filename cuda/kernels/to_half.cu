// From fp32 to bf16 or fp16 (half: 0 bf16, 1 fp16), rounded to nearest, ties to even.
//
//   y[i] = x[i]
//
// Shapes: x, y (n), n even.
// Launch: 256 threads, two elements each, grid ⌈n / 512⌉. Bound: memory.
#include "common.cuh"
#include "tensor.cuh"
#include "half.cuh"

KERNEL __launch_bounds__(256) to_half(const float2* __restrict__ x, u32* __restrict__ y, int n, int half) {
  const int i = blockIdx.x * 256 + threadIdx.x;
  if (i * 2 >= n) return;
  const float2 v = x[i];
  y[i] = pack(v.x, v.y, half);
}
