// Weights of a convolution as the implicit GEMMs want them, on the device because
// training changes them at each step.
//
//   forward:  to[g, (c, t), o] = w[g·M + o, c, t], zeros where padded
//   backward: to[g, (o, t), c] = w[g·M + o, c, t]
//
// Shapes: w (groups·M, cg, taps); to (groups, Kpad, Mpad) with K = cg·taps (forward) or M·taps (backward),
// Kpad a multiple of 16, Mpad of the tile's height. total = groups·Kpad·Mpad.
// Launch: 256 threads, one element each, grid ⌈total / 256⌉. Bound: memory, some hundred kB.
#include "common.cuh"

KERNEL __launch_bounds__(256) pack_weights(const float* __restrict__ w, float* __restrict__ to, int total, int m, int cg, int taps, int kpad, int mpad, int backward) {
  const int i = blockIdx.x * 256 + threadIdx.x;
  if (i >= total) return;
  const int column = i % mpad, k = i / mpad % kpad, g = i / mpad / kpad, t = k % taps;
  const int o = backward ? k / taps : column, c = backward ? column : k / taps;
  to[i] = o < m && c < cg ? w[((size_t)(g * m + o) * cg + c) * taps + t] : 0.f;
}
