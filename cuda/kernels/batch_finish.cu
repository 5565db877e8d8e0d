// Statistics of a batch a channel in fp32 from those of its parts (Chan et al. 1979), and the
// running ones.
//
//   means, inverses = 1 / sqrt(variance + ε) of all parts; running = running + momentum · (batch - running), its variance the unbiased one
//
// Shapes: part (parts, C, 2) from batch_moments, of N pictures of C x area, the rest (C). runningMean may be none.
// Launch: 128 threads, a channel each, grid ⌈C / 128⌉. Bound: latency.
#include "common.cuh"

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
