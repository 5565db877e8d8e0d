// Smooth L1 loss (Girshick 2015) with its gradient in one pass, fp32.
//
//   d = x - target, loss[i] = weight·inverse · (|d| - β/2, or d²/2β within β), dx[i] = coefficient·scale·weight·inverse · (sign d, or d/β within β)
//
// Shapes: x, dx, target, weights, loss (n), a weight 0 for what has no label. inverse = 1 / Σ weights. dx is multiplied by
// coefficient and, where control is given, by its loss scale; loss is not. reduce_rows adds loss up.
// Launch: 128 threads, one element each, grid ⌈n / 128⌉. Bound: memory.
#include "common.cuh"
#include "loss.cuh"

KERNEL __launch_bounds__(128) point_loss(const float* __restrict__ x, const float* __restrict__ target, const float* __restrict__ weights, const float* __restrict__ control,
    float* __restrict__ loss, float* __restrict__ dx, int n, float inverse, float beta, float coefficient) {
  const int i = blockIdx.x * 128 + threadIdx.x;
  if (i >= n) return;
  const float d = x[i] - target[i], far = fabsf(d), weight = weights[i] * inverse;
  const float bent = far > beta ? beta : far;  // d²/2β is bent·(|d| - bent/2)/β, and so is the straight line
  loss[i] = weight * (bent * (far - .5f * bent) / beta);
  dx[i] = weight * scaled(coefficient, control) * clamp(d / beta, -1.f, 1.f);
}
