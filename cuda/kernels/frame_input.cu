// From a frame to a part of a detector's input in one pass: resize along both axes by weights that the host made once, cut off, scale and shift.
//
//   y[c, i, j] = clamp(Σ_a v[i', a] · Σ_b u[j', b] · rgb[r_i' + a, q_j' + b, c], 0, 255)·gain + bias,  i' = i + at[1], j' = j + at[0]
//   y = 0 where i' >= h or j' >= w: beyond the picture
//
// Shapes: frame (fh, fw, 3) bytes; at (2): column and row of the whole input where the part begins; firsts (h + w): r of all rows, then q of
// all columns; weights (h, n), then (w, m), n and m at least 1, zeros where a place needs fewer; y (3, ph, pw).
// Launch: 128 threads, one place each, grid ⌈ph·pw / 128⌉. Bound: memory; a byte is read by several threads side by side, from the first cache.
#include "common.cuh"

typedef unsigned char u8;

KERNEL __launch_bounds__(128) frame_input(const u8* __restrict__ frame, const int* __restrict__ at, const int* __restrict__ firsts, const float* __restrict__ weights, float* __restrict__ y,
    int fh, int fw, int h, int w, int n, int m, int ph, int pw, float gain, float bias) {
  const int p = blockIdx.x * 128 + threadIdx.x, area = ph * pw;
  if (p >= area) return;
  const int i = p / pw + at[1], j = p % pw + at[0];
  float sum[3] = {0, 0, 0};
  const bool inside = i < h && j < w;
  if (inside) {
    const int first = firsts[i], left = firsts[h + j];
    const float *v = weights + i * n, *u = weights + h * n + j * m;
    int a = 0;
#pragma unroll 1
    do {
      const u8* row = frame + (size_t)min(first + a, fh - 1) * fw * 3;  // past the last row the weight is 0
      float line[3] = {0, 0, 0};
      int b = 0;
#pragma unroll 1
      do {
        const u8* pixel = row + min(left + b, fw - 1) * 3;
#pragma unroll
        for (int c = 0; c < 3; c++) line[c] += u[b] * pixel[c];
      } while (++b < m);
#pragma unroll
      for (int c = 0; c < 3; c++) sum[c] += v[a] * line[c];
    } while (++a < n);
  }
#pragma unroll
  for (int c = 0; c < 3; c++) y[c * area + p] = inside ? clamp(sum[c], 0.f, 255.f) * gain + bias : 0;
}
