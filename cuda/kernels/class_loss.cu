// Cross entropy over classes with its gradient in one pass, fp32, with smoothed labels and
// the focal factor (Lin et al. 2017).
//
//   loss[r] = weight·inverse · Σ_k q_k·(1-p_k)^focal·(-log p_k), p = softmax(x[r]), q = (1-s)·[k = label] + s/K
//   dx[r] = coefficient·scale · ∂(loss[r]) / ∂x[r]
//
// Shapes: x, dx (rows, K), labels (rows), -1 for none, weights (K) a class or none, loss (rows).
// inverse = 1 / Σ weights of what is labelled. dx is multiplied by coefficient and, where
// control is given, by its loss scale; loss is not. reduce_rows adds loss up.
// Launch: 128 threads, a warp a row, grid ⌈rows / 4⌉. Bound: memory.
#include "common.cuh"
#include "loss.cuh"

// 1-p below this would have no slope for powers below 1.
#define TINY 1e-12f

KERNEL __launch_bounds__(128) class_loss(const float* __restrict__ x, const int* __restrict__ labels, const float* __restrict__ weights, const float* __restrict__ control,
    float* __restrict__ loss, float* __restrict__ dx, int rows, int n, float inverse, float smoothing, float focal, float coefficient) {
  const int r = blockIdx.x * 4 + (threadIdx.x >> 5), lane = threadIdx.x & 31;
  if (r >= rows) return;
  const int label = labels[r];
  x += (size_t)r * n;
  dx += (size_t)r * n;
  if (label < 0) {
#pragma unroll 1
    for (int k = lane; k < n; k += 32) dx[k] = 0;
    if (lane == 0) loss[r] = 0;
    return;
  }
  float most = -infinity(), sum = 0;
#pragma unroll 1
  for (int k = lane; k < n; k += 32) most = greater(most, x[k]);
  most = warpMax(most);
#pragma unroll 1
  for (int k = lane; k < n; k += 32) sum += expf(x[k] - most);
  const float low = most + logf(warpSum(sum)), weight = (weights ? weights[label] : 1.f) * inverse;
  float all = 0, slopes = 0;
#pragma unroll 1
  for (int k = lane; k < n; k += 32) {
    const float v = x[k] - low, p = expf(v), far = fmaxf(-expm1f(v), TINY), f = expf(focal * logf(far));
    const float q = smoothing / n + (k == label ? 1 - smoothing : 0.f), slope = q * (focal * f / far * v * p - f);
    all -= q * f * v;
    slopes += slope;
    dx[k] = slope;
  }
  all = warpSum(all);
  slopes = warpSum(slopes);
  const float factor = weight * scaled(coefficient, control);
#pragma unroll 1
  for (int k = lane; k < n; k += 32) dx[k] = factor * (dx[k] - expf(x[k] - low) * slopes);
  if (lane == 0) loss[r] = weight * all;
}
