// Statistics of a batch a channel in fp32, in parts that batch_finish joins.
//
//   part[s, c] = (mean, Σ (x - mean)²) of channel c over the pictures s, s + parts, …
//
// Shapes: x (N, C, area), part (parts, C, 2). N ≥ parts ≥ 1.
// Launch: 128 threads, grid (C, parts). Bound: memory. The mean comes before the squares: nothing cancels; the second
// reading of a channel comes from the second cache.
#include "common.cuh"

KERNEL __launch_bounds__(128) batch_moments(const float* __restrict__ x, float2* __restrict__ part, int n, int c, int area) {
  __shared__ float sums[4];
  const int pictures = (n - (int)blockIdx.y + (int)gridDim.y - 1) / (int)gridDim.y;
  x += (size_t)blockIdx.x * area;
  float sum = 0, squares = 0;
#pragma unroll 1
  for (int q = blockIdx.y; q < n; q += gridDim.y)
#pragma unroll 4
    for (int p = threadIdx.x; p < area; p += 128) sum += x[(size_t)q * c * area + p];
  const float mean = blockSum(sum, sums) / ((float)pictures * area);
#pragma unroll 1
  for (int q = blockIdx.y; q < n; q += gridDim.y)
#pragma unroll 4
    for (int p = threadIdx.x; p < area; p += 128) {
      const float d = x[(size_t)q * c * area + p] - mean;
      squares += d * d;
    }
  squares = blockSum(squares, sums);
  if (threadIdx.x == 0) part[blockIdx.y * c + blockIdx.x] = make_float2(mean, squares);
}
