// Batch norm in training, fp32 (Ioffe and Szegedy 2015), with the clamp of ReLU6 in the same pass.
//
//   y = clamp((x - mean)·inverse·scale + shift)
//
// Shapes: x, y (N, C, area), means, inverses (from batch_finish), scale, shift (C).
// Launch: 256 threads, one element each, grid (N·C, ⌈area / 256⌉). Bound: memory.
#include "common.cuh"

KERNEL __launch_bounds__(256) batch_norm(const float* __restrict__ x, const float* __restrict__ means, const float* __restrict__ inverses, const float* __restrict__ scale,
    const float* __restrict__ shift, float* __restrict__ y, int c, int area, float lo, float hi) {
  const int p = blockIdx.y * 256 + threadIdx.x, k = blockIdx.x % c;
  if (p >= area) return;
  const size_t i = (size_t)blockIdx.x * area + p;
  y[i] = clamp((x[i] - means[k]) * inverses[k] * scale[k] + shift[k], lo, hi);
}
