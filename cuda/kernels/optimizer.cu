// One step of training in fp32, all on the device: the norm of all gradients, whether the
// step counts, the loss scale, and the optimizers.
//
//   square_sum:   part[b] = Σ g² of block b's share
//   step_control: norm = sqrt(Σ part) / scale; factor = min(1, most / norm) / scale. A norm that is not finite:
//                 the step does not count and scale halves, but not below 1. After `every` good steps in a row it doubles, up to 2²⁴;
//                 every 0: the scale stays. fix = 1 - βˢᵗᵉᵖˢ (Kingma and Ba 2015).
//   sgd:     g' = g·factor + decay·w; m = momentum·m + g'; w -= rate·m
//   rmsprop: g' as before; s = keep·s + (1-keep)·g'²; w -= rate·g' / (sqrt(s) + ε)
//   adam:    m = β1·m + (1-β1)·g', s = β2·s + (1-β2)·g'²; w -= rate·(m / fix1) / (sqrt(s / fix2) + ε);
//            decoupled (AdamW, Loshchilov and Hutter 2019): w is first multiplied by 1 - rate·decay, and g' = g·factor
//   average: v = KEEP·v + (1-KEEP)·w
//
// Shapes: all of n but part and control (10 floats: common.cuh). In a step that does not count nothing changes.
// Launch: square_sum 128 threads, part as long as the grid, at most some 1024 blocks (parts of several launches may lie side by side);
// step_control one block of 128 threads; the others 256 threads, one element each, grid ⌈n / 256⌉. Bound: memory.
#include "common.cuh"

KERNEL __launch_bounds__(128) square_sum(const float* __restrict__ g, float* __restrict__ part, int n) {
  __shared__ float sums[4];
  float sum = 0;
#pragma unroll 4
  for (int i = blockIdx.x * 128 + threadIdx.x; i < n; i += gridDim.x * 128) sum += g[i] * g[i];
  sum = blockSum(sum, sums);
  if (threadIdx.x == 0) part[blockIdx.x] = sum;
}

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

KERNEL __launch_bounds__(256) sgd(float* __restrict__ w, const float* __restrict__ g, float* __restrict__ first, const float* __restrict__ control, int n, float momentum, float decay) {
  const int i = blockIdx.x * 256 + threadIdx.x;
  if (i >= n || control[COUNTS] == 0) return;
  const float v = w[i], m = momentum * first[i] + g[i] * control[FACTOR] + decay * v;
  first[i] = m;
  w[i] = v - control[RATE] * m;
}

KERNEL __launch_bounds__(256) rmsprop(float* __restrict__ w, const float* __restrict__ g, float* __restrict__ second, const float* __restrict__ control, int n, float keep, float decay,
    float epsilon) {
  const int i = blockIdx.x * 256 + threadIdx.x;
  if (i >= n || control[COUNTS] == 0) return;
  const float v = w[i], slope = g[i] * control[FACTOR] + decay * v, s = keep * second[i] + (1 - keep) * slope * slope;
  second[i] = s;
  w[i] = v - control[RATE] * slope / (sqrtf(s) + epsilon);
}

KERNEL __launch_bounds__(256) adam(float* __restrict__ w, const float* __restrict__ g, float* __restrict__ first, float* __restrict__ second, const float* __restrict__ control, int n,
    float beta1, float beta2, float decay, float epsilon, int decoupled) {
  const int i = blockIdx.x * 256 + threadIdx.x;
  if (i >= n || control[COUNTS] == 0) return;
  const float rate = control[RATE];
  float v = w[i], slope = g[i] * control[FACTOR];
  if (decoupled) v -= rate * decay * v;
  else slope += decay * v;
  const float m = beta1 * first[i] + (1 - beta1) * slope, s = beta2 * second[i] + (1 - beta2) * slope * slope;
  first[i] = m;
  second[i] = s;
  w[i] = v - rate * (m / control[FIX1]) / (sqrtf(s / control[FIX2]) + epsilon);
}

KERNEL __launch_bounds__(256) average(const float* __restrict__ w, float* __restrict__ mean, const float* __restrict__ control, int n) {
  const int i = blockIdx.x * 256 + threadIdx.x;
  if (i >= n || control[COUNTS] == 0) return;
  mean[i] = control[KEEP] * mean[i] + (1 - control[KEEP]) * w[i];
}
