// From frames and boxes to the classroom network's pictures in one pass: crop,
// resize, normalise, and pack the flow beside the colours.
//
//   y[i, 0..2] = mean over the target pixel's part of the box of rgb / 127.5 - 1
//   y[i, 3..4] = flow there in sides of the box a second, cut off at ±1
//
// Shapes: rgb (frames, h, w, 3) bytes, flow (frames, fh, fw, 2) pixels of the flow's own grid a second or none,
// boxes (count, 4) left, top, right, bottom in pixels of rgb, which (count) the frame of each,
// y (count, 5, s, s). Outside the frame the nearest pixel counts.
// A target pixel takes the mean of 2 x 2 samples, each linear between four pixels.
// Launch: 128 threads, one target pixel each, grid (count, ⌈s·s / 128⌉). Bound: memory.
#include "common.cuh"

typedef unsigned char u8;

KERNEL __launch_bounds__(128) clip(const u8* __restrict__ rgb, const float* __restrict__ flow, const float* __restrict__ boxes, const int* __restrict__ which,
    float* __restrict__ y, int h, int w, int fh, int fw, int s) {
  const int p = blockIdx.y * 128 + threadIdx.x, area = s * s;
  if (p >= area) return;
  const float4 box = ((const float4*)boxes)[blockIdx.x];
  const int frame = which[blockIdx.x];
  const float stepX = (box.z - box.x) / s, stepY = (box.w - box.y) / s;
  const float left = box.x + p % s * stepX, top = box.y + p / s * stepY;
  const u8* from = rgb + (size_t)frame * h * w * 3;
  float sum[3] = {0, 0, 0};
#pragma unroll 1
  for (int k = 0; k < 4; k++) {
    const float sx = clamp(left + (.25f + .5f * (k & 1)) * stepX - .5f, 0.f, w - 1.f), sy = clamp(top + (.25f + .5f * (k >> 1)) * stepY - .5f, 0.f, h - 1.f);
    const int x0 = (int)sx, y0 = (int)sy, x1 = min(x0 + 1, w - 1), y1 = min(y0 + 1, h - 1);
    const float fx = sx - x0, fy = sy - y0;
#pragma unroll
    for (int c = 0; c < 3; c++) {
      const float up = from[(y0 * w + x0) * 3 + c] * (1 - fx) + from[(y0 * w + x1) * 3 + c] * fx;
      const float down = from[(y1 * w + x0) * 3 + c] * (1 - fx) + from[(y1 * w + x1) * 3 + c] * fx;
      sum[c] += up * (1 - fy) + down * fy;
    }
  }
  y += (size_t)blockIdx.x * 5 * area + p;
#pragma unroll
  for (int c = 0; c < 3; c++) y[c * area] = sum[c] * (1 / 510.f) - 1;
  float u = 0, v = 0;
  if (flow) {
    const float kx = (float)fw / w, ky = (float)fh / h;
    const int j = (int)clamp((left + .5f * stepX) * kx, 0.f, fw - 1.f), i = (int)clamp((top + .5f * stepY) * ky, 0.f, fh - 1.f);
    const float2 f = ((const float2*)flow)[((size_t)frame * fh + i) * fw + j];
    u = clamp(f.x / (kx * (box.z - box.x)), -1.f, 1.f);
    v = clamp(f.y / (ky * (box.w - box.y)), -1.f, 1.f);
  }
  y[3 * area] = u;
  y[4 * area] = v;
}
