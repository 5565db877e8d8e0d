// Gradients of masked multi-head attention by scores and queries in fp32, from the shares that
// the forward pass kept.
//
//   g[j] = dy[b, i, h]·v[b, j, h], ds[b, h, i, j] = scale · share[j] · (g[j] - Σ_m share[m]·g[m])
//   dq[b, i, h] = Σ_j ds[b, h, i, j]·k[b, j, h]
//
// Shapes: k, v, dy, dq (B, T, heads, d) dense, share and ds (B, heads, T, T). T at most 1024.
// Launch: 128 threads, a block an asking step, grid (T, heads, B).
// Bound: memory at the T of some ten of a lesson.
#include "common.cuh"

KERNEL __launch_bounds__(128) attention_query(const float* __restrict__ k, const float* __restrict__ v, const float* __restrict__ share, const float* __restrict__ dy,
    float* __restrict__ ds, float* __restrict__ dq, int steps, int heads, int d, float scale) {
  __shared__ float row[1024];
  __shared__ float part[4];
  const int i = blockIdx.x, h = blockIdx.y, b = blockIdx.z, t = threadIdx.x, lane = t & 31, wide = heads * d;
  const size_t mine = ((size_t)b * steps + i) * wide + h * d, first = (size_t)b * steps * wide + h * d;
  share += (((size_t)b * heads + h) * steps + i) * steps;
  ds += (((size_t)b * heads + h) * steps + i) * steps;
#pragma unroll 1
  for (int j = t >> 5; j < steps; j += 4) {
    float dot = 0;
#pragma unroll 1
    for (int e = lane; e < d; e += 32) dot += dy[mine + e] * v[first + (size_t)j * wide + e];
    dot = warpSum(dot);
    if (lane == 0) row[j] = dot;
  }
  __syncthreads();
  float mean = 0;
#pragma unroll 1
  for (int j = t; j < steps; j += 128) mean += share[j] * row[j];
  mean = blockSum(mean, part);
#pragma unroll 1
  for (int j = t; j < steps; j += 128) ds[j] = row[j] = scale * share[j] * (row[j] - mean);
  __syncthreads();
#pragma unroll 1
  for (int e = t; e < d; e += 128) {
    float sum = 0;
#pragma unroll 1
    for (int j = 0; j < steps; j++) sum += row[j] * k[first + (size_t)j * wide + e];
    dq[mine + e] = sum;
  }
}
