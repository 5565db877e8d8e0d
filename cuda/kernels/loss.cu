// Losses with their gradients in one pass, fp32. All are means over what is labelled: the
// host, which has the labels, gives inverse = 1 / Σ weights (1 / number of labels).
//
//   class_loss:  loss[r] = weight·inverse · Σ_k q_k·(1-p_k)^focal·(-log p_k), p = softmax(x[r]), q = (1-s)·[k = label] + s/K
//   binary_loss: loss[i] = inverse · (log(1 + e^-|x|) + max(x, 0) - x·target)
//   point_loss:  loss[i] = weight·inverse · (|d| - β/2, or d²/2β within β), d = x - target
//
// Shapes: x, dx (rows, K) and labels (rows), -1 for none, classes' weights (K) or none; binary: x, targets (n), -1 for none; points: x,
// target, weight (n). loss sums with reduce_rows. dx is multiplied by coefficient and, where control is
// given, by its loss scale; loss is not.
// Launch: class_loss 128 threads, a warp a row, grid ⌈rows / 4⌉; the others 128 threads, one element each. Bound: memory.
#include "common.cuh"

DEVICE float scaled(float coefficient, const float* control) { return control ? coefficient * control[SCALE] : coefficient; }

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

KERNEL __launch_bounds__(128) binary_loss(const float* __restrict__ x, const int* __restrict__ targets, const float* __restrict__ control, float* __restrict__ loss,
    float* __restrict__ dx, int n, float inverse, float coefficient) {
  const int i = blockIdx.x * 128 + threadIdx.x;
  if (i >= n) return;
  const int target = targets[i];
  const float v = x[i];
  loss[i] = target < 0 ? 0.f : inverse * (log1pf(expf(-fabsf(v))) + fmaxf(v, 0) - v * target);
  dx[i] = target < 0 ? 0.f : inverse * scaled(coefficient, control) * (1 / (1 + expf(-v)) - target);
}

KERNEL __launch_bounds__(128) point_loss(const float* __restrict__ x, const float* __restrict__ target, const float* __restrict__ weights, const float* __restrict__ control,
    float* __restrict__ loss, float* __restrict__ dx, int n, float inverse, float beta, float coefficient) {
  const int i = blockIdx.x * 128 + threadIdx.x;
  if (i >= n) return;
  const float d = x[i] - target[i], far = fabsf(d), weight = weights[i] * inverse;
  loss[i] = weight * (far > beta ? far - .5f * beta : d * d / (2 * beta));
  dx[i] = weight * scaled(coefficient, control) * (d > beta ? 1.f : d < -beta ? -1.f : d / beta);
}
