// What a training step needs to know, on the device: the norm of all gradients, whether
// the step counts, the loss scale, and Adam's corrections.
//
//   norm = sqrt(Σ part) / scale; factor = min(1, most / norm) / scale
//   A norm that is not finite: the step does not count and scale halves, but not below 1. After `every` good steps in a
//   row it doubles, up to 2²⁴; every 0: the scale stays. fix = 1 - βˢᵗᵉᵖˢ (Kingma and Ba 2015).
//
// Shapes: part (parts) from square_sum, control (10): common.cuh has its slots.
// Launch: one block of 128 threads. Bound: latency.
#include "common.cuh"

KERNEL __launch_bounds__(128) step_control(const float* __restrict__ part, float* __restrict__ control, int parts, float most, int every, float logBeta1, float logBeta2) {
  __shared__ float sums[4];
  float sum = 0;
#pragma unroll 1
  for (int i = threadIdx.x; i < parts; i += 128) sum += part[i];
  sum = blockSum(sum, sums);
  if (threadIdx.x) return;
  const float scale = control[SCALE], norm = sqrtf(sum) / scale;
  const bool counts = norm < infinity();  // not for NaN either
  float next = scale, good = 0;
  if (!counts) {
    if (every) next = fmaxf(scale * .5f, 1);
  } else if (every) {
    good = control[GOOD] + 1;
    if (good >= every) {
      next = fminf(scale * 2, 16777216);
      good = 0;
    }
  }
  const float steps = control[STEPS] + (counts ? 1 : 0);
  control[NORM] = norm;
  control[FACTOR] = counts ? (norm > most ? most / norm : 1) / scale : 0.f;
  control[COUNTS] = counts ? 1 : 0;
  control[SCALE] = next;
  control[GOOD] = good;
  control[STEPS] = steps;
  control[FIX1] = -expm1f(steps * logBeta1);
  control[FIX2] = -expm1f(steps * logBeta2);
}
