// Weights as conv_half wants them: fp32 to bf16 or fp16 (half: 0 bf16, 1 fp16), channels last.
//
//   y[o, t, c] = w[o, c, t], zeros for c ≥ C
//
// Shapes: w (M, C, taps), y (M, taps, Cpad), Cpad even, total = M·taps·Cpad.
// Launch: 256 threads, two elements of y each, grid ⌈total / 512⌉. Bound: memory; once for a model's weights, or once a step.
#include "common.cuh"
#include "tensor.cuh"
#include "half.cuh"

KERNEL __launch_bounds__(256) pack_half(const float* __restrict__ w, u32* __restrict__ y, int total, int c, int pad, int taps, int half) {
  const int i = (blockIdx.x * 256 + threadIdx.x) * 2;
  if (i >= total) return;
  const int k = i % pad, t = i / pad % taps, o = i / pad / taps;
  const float* from = w + ((size_t)o * c + k) * taps + t;
  y[i / 2] = pack(k < c ? from[0] : 0.f, k + 1 < c ? from[taps] : 0.f, half);
}
