// Adam (Kingma and Ba 2015) and AdamW, fp32.
//
//   g' = g·factor + decay·w; m = β1·m + (1-β1)·g', s = β2·s + (1-β2)·g'²; w -= rate·(m / fix1) / (sqrt(s / fix2) + ε)
//   decoupled (AdamW, Loshchilov and Hutter 2019): w is first multiplied by 1 - rate·decay, and g' = g·factor
//
// Shapes: w, g, first (m), second (s) (n), control (10): common.cuh has its slots. In a step that does not count nothing changes.
// Launch: 256 threads, one element each, grid ⌈n / 256⌉. Bound: memory.
#include "common.cuh"

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
