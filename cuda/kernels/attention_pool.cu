// Attention pooling over the steps of a sequence in fp32.
//
//   moment[b, i] = softmax_i(score[b, i] + (seen[b, i] - 1)·10⁴), y[b] = Σ_i moment[b, i]·x[b, i]
//
// Shapes: x (B, T, d), score, seen (1 or 0), moment (B, T), y (B, d). T at most 1024. score may be none: the mean of the
// steps that were seen. moment is kept for the backward pass.
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
