// Cross entropy of yes or no with its gradient in one pass, fp32.
//
//   loss[i] = inverse · (log(1 + e^-|x|) + max(x, 0) - x·target), dx[i] = coefficient·scale·inverse · (sigmoid(x) - target)
//
// Shapes: x, dx, targets, loss (n), a target 0, 1 or -1 for none. inverse = 1 / number of labels. dx is multiplied by
// coefficient and, where control is given, by its loss scale; loss is not. reduce_rows adds loss up.
// Launch: 128 threads, one element each, grid ⌈n / 128⌉. Bound: memory.
#include "common.cuh"
#include "loss.cuh"
#include "softplus.cuh"

KERNEL __launch_bounds__(128) binary_loss(const float* __restrict__ x, const int* __restrict__ targets, const float* __restrict__ control, float* __restrict__ loss,
    float* __restrict__ dx, int n, float inverse, float coefficient) {
  const int i = blockIdx.x * 128 + threadIdx.x;
  if (i >= n) return;
  const int target = targets[i];
  const float v = x[i];
  loss[i] = target < 0 ? 0.f : inverse * (logOnePlusExp(-fabsf(v)) + fmaxf(v, 0) - v * target);
  dx[i] = target < 0 ? 0.f : inverse * scaled(coefficient, control) * (1 / (1 + expf(-v)) - target);
}
