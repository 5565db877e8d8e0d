// From fp32 channels first to bf16 or fp16 (half: 0 bf16, 1 fp16) channels last.
//
//   y[n, p, c] = x[n, c, p], zeros for c ≥ C
//
// Shapes: x (N, C, area), y (N, area, Cpad), Cpad (wide) a multiple of 8. total = N·area.
// Launch: 128 threads, 8 channels of one pixel each, grid (⌈total / 128⌉, Cpad / 8). Bound: memory; lanes are pixels side by side, so eight loads of whole
// sectors are in flight a thread, and where there are 8 channels or fewer, as in a network's input, its 16 bytes join those of its neighbours.
#include "common.cuh"
#include "tensor.cuh"
#include "half.cuh"

KERNEL __launch_bounds__(128) last_half(const float* __restrict__ x, uint4* __restrict__ y, int total, int c, int wide, int area, int half) {
  const int q = blockIdx.x * 128 + threadIdx.x, c0 = blockIdx.y * 8;
  if (q >= total) return;
  x += ((size_t)(q / area) * c + c0) * area + q % area;
  float v[8];
#pragma unroll
  for (int i = 0; i < 8; i++) v[i] = c0 + i < c ? x[(size_t)i * area] : 0.f;
  y[(size_t)q * (wide / 8) + blockIdx.y] = make_uint4(pack(v[0], v[1], half), pack(v[2], v[3], half), pack(v[4], v[5], half), pack(v[6], v[7], half));
}
