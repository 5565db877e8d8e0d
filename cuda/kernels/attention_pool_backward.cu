// Gradients of attention pooling over the steps of a sequence in fp32.
//
//   g[i] = dy[b]·x[b, i], dscore[b, i] = moment[b, i]·(g[i] - Σ_m moment[b, m]·g[m]), dx[b, i] = moment[b, i]·dy[b]
//
// Shapes: x, dx (B, T, d), dscore, moment (B, T), dy (B, d). T at most 1024. dscore may be none.
// Launch: 128 threads a sequence, grid B. Bound: memory.
#include "common.cuh"

KERNEL __launch_bounds__(128) attention_pool_backward(const float* __restrict__ x, const float* __restrict__ moment, const float* __restrict__ dy, float* __restrict__ dx,
    float* __restrict__ dscore, int steps, int d) {
  __shared__ float row[1024];
  __shared__ float part[4];
  const int b = blockIdx.x, t = threadIdx.x, lane = t & 31;
  x += (size_t)b * steps * d;
  dx += (size_t)b * steps * d;
  dy += (size_t)b * d;
  moment += b * steps;
#pragma unroll 1
  for (int i = t >> 5; i < steps; i += 4) {
    float dot = 0;
#pragma unroll 1
    for (int e = lane; e < d; e += 32) {
      dot += dy[e] * x[(size_t)i * d + e];
      dx[(size_t)i * d + e] = moment[i] * dy[e];
    }
    dot = warpSum(dot);
    if (lane == 0) row[i] = dot;
  }
  __syncthreads();
  float mean = 0;
#pragma unroll 1
  for (int i = t; i < steps; i += 128) mean += moment[i] * row[i];
  mean = blockSum(mean, part);
  if (!dscore) return;
#pragma unroll 1
  for (int i = t; i < steps; i += 128) dscore[b * steps + i] = moment[i] * (row[i] - mean);
}
