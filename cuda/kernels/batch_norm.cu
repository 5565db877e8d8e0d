// Batch norm in training, fp32 (Ioffe and Szegedy 2015), with the clamp of ReLU6 in the same pass.
//
//   batch_moments: part[s, c] = (mean, Σ (x - mean)²) of channel c over the pictures s, s + parts, …
//   batch_finish:  mean and variance of all parts (Chan et al. 1979), inverse = 1 / sqrt(variance + ε),
//                  running = running + momentum · (batch - running), its variance the unbiased one
//   batch_norm:    y = clamp((x - mean)·inverse·scale + shift)
//
// Shapes: x, y (N, C, area), part (parts, C, 2), the rest (C). N ≥ parts ≥ 1. runningMean may be none.
// Launch: batch_moments 128 threads, grid (C, parts); batch_finish 128 threads a channel each, grid ⌈C / 128⌉;
// batch_norm 256 threads, one element each, grid (N·C, ⌈area / 256⌉). Bound: memory. The mean comes before the
// squares: nothing cancels; the second reading of a channel comes from the second cache.
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

KERNEL __launch_bounds__(128) batch_finish(const float2* __restrict__ part, float* __restrict__ means, float* __restrict__ inverses, float* __restrict__ runningMean,
    float* __restrict__ runningVariance, int n, int c, int area, int parts, float momentum, float epsilon) {
  const int i = blockIdx.x * 128 + threadIdx.x;
  if (i >= c) return;
  float mean = 0, squares = 0, count = 0;
#pragma unroll 1
  for (int s = 0; s < parts; s++) {
    const float2 v = part[s * c + i];
    const float more = (float)((n - s + parts - 1) / parts) * area, d = v.x - mean;
    count += more;
    mean += d * (more / count);
    squares += v.y + d * d * (more * (count - more) / count);
  }
  means[i] = mean;
  inverses[i] = 1 / sqrtf(squares / count + epsilon);
  if (!runningMean) return;
  runningMean[i] += momentum * (mean - runningMean[i]);
  runningVariance[i] += momentum * (squares / fmaxf(count - 1, 1) - runningVariance[i]);
}

KERNEL __launch_bounds__(256) batch_norm(const float* __restrict__ x, const float* __restrict__ means, const float* __restrict__ inverses, const float* __restrict__ scale,
    const float* __restrict__ shift, float* __restrict__ y, int c, int area, float lo, float hi) {
  const int p = blockIdx.y * 256 + threadIdx.x, k = blockIdx.x % c;
  if (p >= area) return;
  const size_t i = (size_t)blockIdx.x * area + p;
  y[i] = clamp((x[i] - means[k]) * inverses[k] * scale[k] + shift[k], lo, hi);
}
