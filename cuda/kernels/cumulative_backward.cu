// Gradients of the logits of ordered levels in fp32.
//
//   dscore[i] = Σ_j dy[i, j], dsteps[m] = -slope(m)·Σ_{j≥m} Σ_i dy[i, j], slope(0) = 1, slope(m) = sigmoid(steps[m])
//
// Shapes: dscore (n), steps, dsteps (k), dy (n, k).
// Launch: one block of 128 threads. Bound: latency.
#include "common.cuh"
#include "unary.cuh"

KERNEL __launch_bounds__(128) cumulative_backward(const float* __restrict__ steps, const float* __restrict__ dy, float* __restrict__ dscore, float* __restrict__ dsteps, int n, int k) {
  __shared__ float part[4];
  float behind = 0;
#pragma unroll 1
  for (int j = k - 1; j >= 0; j--) {
    float sum = 0;
#pragma unroll 1
    for (int i = threadIdx.x; i < n; i += 128) sum += dy[i * k + j];
    behind += blockSum(sum, part);
    if (threadIdx.x == 0) dsteps[j] = -behind * (j ? sigmoid(steps[j]) : 1.f);
  }
#pragma unroll 1
  for (int i = threadIdx.x; i < n; i += 128) {
    float sum = dy[i * k];
#pragma unroll 1
    for (int j = 1; j < k; j++) sum += dy[i * k + j];
    dscore[i] = sum;
  }
}
