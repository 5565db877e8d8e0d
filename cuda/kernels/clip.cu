// From frames and squares to the classroom network's pictures in one pass: crop,
// resize, normalise, and pack the flow beside the colours.
//
//   y[i, 0..2] = round(Σ_{a, b} v_a·w_b·rgb[a, b]) / 127.5 - 1
//   y[i, 3..4] = rate·Σ_{a, b} v_a·w_b·flow[a, b], cut off at ±1
//   v, w: triangles round the target pixel's middle, as wide as it (at least one source pixel), their sum 1
//
// Shapes: frames is one block of memory that holds the frames, (h, w, 3) bytes each, and their flows, (fh, fw, 2) floats; y (count, 5, s, s).
// crops (count, 16), 4 bytes each: where frame and flow begin in frames (in units of 16 bytes), w, h, fw, fh, left and top of the square as
// whole source pixels, then as floats what of them is below one pixel, the side in source pixels, the rate (0: no flow), source pixels a
// flow cell; three are not used. Outside a frame its nearest pixel counts, as vision/clip has it on the CPU.
// Launch: 128 threads, one target pixel each, grid (count, ⌈s·s / 128⌉). Bound: memory, for squares much larger than s the first cache.
#include "common.cuh"

typedef unsigned char u8;

// Taps of a target pixel along one axis: source places first to last about its middle, all by the square's corner.
struct Taps {
  float middle, reach, all;
  int first, last;
  DEVICE Taps(float corner, float side, int s, int i) {
    const float step = side / s;
    reach = fmaxf(step, 1);
    middle = corner + (i + .5f) * step - .5f;
    first = (int)ceilf(middle - reach);
    last = (int)floorf(middle + reach);
    all = 0;
#pragma unroll 1
    for (int k = first; k <= last; k++) all += weight(k);
  }
  DEVICE float weight(int k) const { return fmaxf(1 - fabsf(k - middle) / reach, 0); }
};

KERNEL __launch_bounds__(128) clip(const u8* __restrict__ frames, const int* __restrict__ crops, float* __restrict__ y, int s) {
  const int p = blockIdx.y * 128 + threadIdx.x, area = s * s;
  if (p >= area) return;
  const int* crop = crops + blockIdx.x * 16;
  const float* part = (const float*)(crop + 8);
  y += (size_t)blockIdx.x * 5 * area + p;
  {
    const Taps rows(part[1], part[2], s, p / s), columns(part[0], part[2], s, p % s);
    const u8* from = frames + (size_t)(u32)crop[0] * 16;
    const int w = crop[2], h = crop[3], left = crop[6], top = crop[7];
    float sum[3] = {0, 0, 0};
#pragma unroll 1
    for (int j = rows.first; j <= rows.last; j++) {
      const u8* row = from + (size_t)min(max(top + j, 0), h - 1) * w * 3;
      const float v = rows.weight(j);
      float line[3] = {0, 0, 0};
#pragma unroll 1
      for (int i = columns.first; i <= columns.last; i++) {
        const u8* pixel = row + min(max(left + i, 0), w - 1) * 3;
        const float k = columns.weight(i);
#pragma unroll
        for (int c = 0; c < 3; c++) line[c] += k * pixel[c];
      }
#pragma unroll
      for (int c = 0; c < 3; c++) sum[c] += v * line[c];
    }
    const float all = 1 / (rows.all * columns.all);
#pragma unroll
    for (int c = 0; c < 3; c++) y[c * area] = floorf(sum[c] * all + .5f) * (1 / 127.5f) - 1;
  }
  float u = 0, v = 0;
  const float rate = part[3];
  if (rate != 0) {
    const float cell = 1 / part[4];
    const Taps rows((crop[7] + part[1]) * cell, part[2] * cell, s, p / s), columns((crop[6] + part[0]) * cell, part[2] * cell, s, p % s);
    const float2* from = (const float2*)(frames + (size_t)(u32)crop[1] * 16);
    const int w = crop[4], h = crop[5];
#pragma unroll 1
    for (int j = rows.first; j <= rows.last; j++) {
      const float2* row = from + (size_t)min(max(j, 0), h - 1) * w;
      const float k = rows.weight(j);
#pragma unroll 1
      for (int i = columns.first; i <= columns.last; i++) {
        const float2 f = row[min(max(i, 0), w - 1)];
        const float both = k * columns.weight(i);
        u += both * f.x;
        v += both * f.y;
      }
    }
    const float all = rate / (rows.all * columns.all);
    u = clamp(u * all, -1.f, 1.f);
    v = clamp(v * all, -1.f, 1.f);
  }
  y[3 * area] = u;
  y[4 * area] = v;
}
