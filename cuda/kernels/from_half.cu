// From bf16 or fp16 (half: 0 bf16, 1 fp16) to fp32, exact.
//
//   y[i] = x[i]
//
// Shapes: x, y (n), n even.
// Launch: 256 threads, two elements each, grid ⌈n / 512⌉. Bound: memory.
#include "common.cuh"
#include "tensor.cuh"
#include "half.cuh"

KERNEL __launch_bounds__(256) from_half(const u32* __restrict__ x, float2* __restrict__ y, int n, int half) {
  const int i = blockIdx.x * 256 + threadIdx.x;
  if (i * 2 < n) y[i] = make_float2(low(x[i], half), high(x[i], half));
}
