// Attention pooling over the steps of a sequence in fp32, forward and backward.
//
//   moment[b, i] = softmax_i(score[b, i] + (seen[b, i] - 1)·10⁴), y[b] = Σ_i moment[b, i]·x[b, i]
//   g[i] = dy[b]·x[b, i], dscore[b, i] = moment[b, i]·(g[i] - Σ_m moment[b, m]·g[m]), dx[b, i] = moment[b, i]·dy[b]
//
// Shapes: x, dx (B, T, d), score, dscore, seen, moment (B, T), y, dy (B, d). T at most 1024. score may be none: the
// mean of the steps that were seen.
// Launch: 128 threads a sequence, grid B. Bound: memory.
#include "common.cuh"

KERNEL __launch_bounds__(128) attention_pool(const float* __restrict__ x, const float* __restrict__ score, const float* __restrict__ seen, float* __restrict__ moment,
    float* __restrict__ y, int steps, int d) {
  __shared__ float row[1024];
  __shared__ float part[4];
  const int b = blockIdx.x, t = threadIdx.x, lane = t & 31;
  float most = -infinity(), sum = 0;
#pragma unroll 1
  for (int i = t; i < steps; i += 128) row[i] = (score ? score[b * steps + i] : 0.f) + (seen[b * steps + i] - 1) * 1e4f;
  __syncthreads();
#pragma unroll 1
  for (int i = lane; i < steps; i += 32) most = greater(most, row[i]);  // each warp for itself
  most = warpMax(most);
  __syncthreads();
#pragma unroll 1
  for (int i = t; i < steps; i += 128) sum += row[i] = expf(row[i] - most);
  sum = blockSum(sum, part);
#pragma unroll 1
  for (int i = t; i < steps; i += 128) moment[b * steps + i] = row[i] /= sum;
  __syncthreads();
  x += (size_t)b * steps * d;
#pragma unroll 1
  for (int e = t; e < d; e += 128) {
    float mix = 0;
#pragma unroll 1
    for (int i = 0; i < steps; i++) mix += row[i] * x[(size_t)i * d + e];
    y[(size_t)b * d + e] = mix;
  }
}

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
