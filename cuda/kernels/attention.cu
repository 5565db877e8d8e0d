// Masked multi-head attention in fp32, whole: scores, softmax and mix in one pass.
//
//   y[b, i, h] = Σ_j share[b, h, i, j] · v[b, j, h],  share = softmax_j(scale · q[b, i, h] · k[b, j, h] + (seen[b, j] - 1)·10⁴)
//
// Shapes: q, k, v, y (B, T, heads, d) dense; seen (B, T) 1 or 0; share (B, heads, T, T)
// is kept for the backward pass. T at most 1024.
// Launch: a block of 128 threads a (b, h, i), grid (T, heads, B). Scores by a warp each, the mix by
// a thread each element. Bound: memory at the T of some ten of a lesson.
#include "common.cuh"

KERNEL __launch_bounds__(128) attention(const float* __restrict__ q, const float* __restrict__ k, const float* __restrict__ v, const float* __restrict__ seen,
    float* __restrict__ share, float* __restrict__ y, int steps, int heads, int d, float scale) {
  __shared__ float row[1024];
  __shared__ float part[4];
  const int i = blockIdx.x, h = blockIdx.y, b = blockIdx.z, t = threadIdx.x, lane = t & 31, wide = heads * d;
  const float* mine = q + ((size_t)b * steps + i) * wide + h * d;
  k += (size_t)b * steps * wide + h * d;
  v += (size_t)b * steps * wide + h * d;
#pragma unroll 1
  for (int j = t >> 5; j < steps; j += 4) {
    float dot = 0;
#pragma unroll 1
    for (int e = lane; e < d; e += 32) dot += mine[e] * k[(size_t)j * wide + e];
    dot = warpSum(dot);
    if (lane == 0) row[j] = scale * dot + (seen[b * steps + j] - 1) * 1e4f;
  }
  __syncthreads();
  float most = -infinity(), sum = 0;
#pragma unroll 1
  for (int j = lane; j < steps; j += 32) most = greater(most, row[j]);  // each warp for itself
  most = warpMax(most);
  __syncthreads();
#pragma unroll 1
  for (int j = t; j < steps; j += 128) sum += row[j] = expf(row[j] - most);
  sum = blockSum(sum, part);
  float* keep = share + (((size_t)b * heads + h) * steps + i) * steps;
#pragma unroll 1
  for (int j = t; j < steps; j += 128) keep[j] = row[j] /= sum;
  __syncthreads();
#pragma unroll 1
  for (int e = t; e < d; e += 128) {
    float mix = 0;
#pragma unroll 1
    for (int j = 0; j < steps; j++) mix += row[j] * v[(size_t)j * wide + e];
    y[((size_t)b * steps + i) * wide + h * d + e] = mix;
  }
}
