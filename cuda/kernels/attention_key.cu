// Gradients of masked multi-head attention by keys and values in fp32, from the shares that the
// forward pass kept and the scores' gradients that attention_query made.
//
//   dk[b, j, h] = Σ_i ds[b, h, i, j]·q[b, i, h], dv[b, j, h] = Σ_i share[b, h, i, j]·dy[b, i, h]
//
// Shapes: q, dy, dk, dv (B, T, heads, d) dense, share and ds (B, heads, T, T).
// Launch: 128 threads, a block an answering step, grid (T, heads, B).
// Bound: memory at the T of some ten of a lesson.
#include "common.cuh"

KERNEL __launch_bounds__(128) attention_key(const float* __restrict__ q, const float* __restrict__ share, const float* __restrict__ ds, const float* __restrict__ dy,
    float* __restrict__ dk, float* __restrict__ dv, int steps, int heads, int d) {
  const int j = blockIdx.x, h = blockIdx.y, b = blockIdx.z, wide = heads * d;
  const size_t first = (size_t)b * steps * wide + h * d, at = ((size_t)b * heads + h) * steps * steps + j;
#pragma unroll 1
  for (int e = threadIdx.x; e < d; e += 128) {
    float key = 0, value = 0;
    int i = 0;
    do {
      key += ds[at + (size_t)i * steps] * q[first + (size_t)i * wide + e];
      value += share[at + (size_t)i * steps] * dy[first + (size_t)i * wide + e];
    } while (++i < steps);
    dk[first + (size_t)j * wide + e] = key;
    dv[first + (size_t)j * wide + e] = value;
  }
}
