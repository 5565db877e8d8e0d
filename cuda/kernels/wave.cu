// Sine and cosine in fp32, apart from the other functions of one element: their reduction of
// large angles costs registers the others need not pay.
//
//   y[i] = sin x[i], or cos x[i] where cosine is 1
//
// Angles up to 10⁵ are reduced in three steps (Cody and Waite 1980), beyond that accuracy goes.
// Shapes: x, y (n).
// Launch: 256 threads, one element each, grid ⌈n / 256⌉. Bound: memory.
#include "common.cuh"

KERNEL __launch_bounds__(256) wave(const float* __restrict__ x, float* __restrict__ y, int n, int cosine) {
  const int i = blockIdx.x * 256 + threadIdx.x;
  if (i >= n) return;
  const float turns = rintf(x[i] * 0.63661977236758f);
  float r = fmaf(turns, -1.5707962512969971f, x[i]);
  r = fmaf(turns, -7.5497894158615964e-8f, r);
  r = fmaf(turns, -5.3903029534742384e-15f, r);
  const float q = r * r;
  const int quarter = (int)turns + cosine;
  const float s = r + r * q * (-1.6666654611e-1f + q * (8.3321608736e-3f - q * 1.9515295891e-4f));
  const float c = 1 + q * (-.5f + q * (4.166664568298827e-2f + q * (-1.388731625493765e-3f + q * 2.443315711809948e-5f)));
  const float v = quarter & 1 ? c : s;
  y[i] = quarter & 2 ? -v : v;
}
