// Sum of squares in parts, fp32: the norm of all gradients begins with it.
//
//   part[b] = Σ g² of block b's share: the elements i with i / 128 % blocks = b
//
// Shapes: g (n), part (blocks): parts of several launches may lie side by side, step_control adds them up.
// Launch: 128 threads, at most some 1024 blocks. Bound: memory.
#include "common.cuh"

KERNEL __launch_bounds__(128) square_sum(const float* __restrict__ g, float* __restrict__ part, int n) {
  __shared__ float sums[4];
  float sum = 0;
#pragma unroll 4
  for (int i = blockIdx.x * 128 + threadIdx.x; i < n; i += gridDim.x * 128) sum += g[i] * g[i];
  sum = blockSum(sum, sums);
  if (threadIdx.x == 0) part[blockIdx.x] = sum;
}
