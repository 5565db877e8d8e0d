// Brightness of colour pictures for optical flow, bytes to fp32.
//
//   y = 0.299·r + 0.587·g + 0.114·b
//
// Shapes: rgb (N, area, 3) bytes, y (N, area).
// Launch: 128 threads, one pixel each, grid (⌈area / 128⌉, N). Bound: memory.
#include "common.cuh"

typedef unsigned char u8;

KERNEL __launch_bounds__(128) flow_gray(const u8* __restrict__ rgb, float* __restrict__ y, int area) {
  const int p = blockIdx.x * 128 + threadIdx.x;
  if (p >= area) return;
  const size_t i = (size_t)blockIdx.y * area + p;
  y[i] = .299f * rgb[i * 3] + .587f * rgb[i * 3 + 1] + .114f * rgb[i * 3 + 2];
}
