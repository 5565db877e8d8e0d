// Dense optical flow by inverse search of patches, coarse to fine (after Kroeger et al.
// 2016, DIS, without its variational step): no search, no branches between lanes.
//
//   flow_gray:    y = 0.299·r + 0.587·g + 0.114·b
//   flow_halve:   y = mean of 2 x 2 of x (an odd last row or column is left out)
//   flow_patches: for each patch of 8 x 8, every 4 pixels, the shift d that makes from(x) = to(x + d) up to a difference in
//                 brightness: Gauss-Newton on from's gradient, `rounds` rounds, from the best of five shifts that the coarser level offers
//   flow_dense:   flow(x) = rate · Σ d / Σ 1 over the patches on x, each weighted by 1 / max(1, |to(x + d) - from(x)|)
//
// Shapes: rgb (N, h, w, 3) bytes; planes (N, h, w); coarse (N, h/2, w/2, 2) or none; patches (N, gh·gw, 2), gw = ⌈(w - 8) / 4⌉ + 1, gh
// alike: the last patch lies at the edge; flow (N, h, w, 2). h, w ≥ 8. Outside a plane its nearest pixel counts.
// Launch: 128 threads; flow_gray, flow_halve and flow_dense one pixel of y each, grid (⌈pixels / 128⌉, N); flow_patches a warp a
// patch, two pixels a lane, grid (⌈gh·gw / 4⌉, N). Bound: flow_patches by latency and instructions (three sums over a warp a round), the rest by memory.
#include "common.cuh"

typedef unsigned char u8;

KERNEL __launch_bounds__(128) flow_gray(const u8* __restrict__ rgb, float* __restrict__ y, int area) {
  const int p = blockIdx.x * 128 + threadIdx.x;
  if (p >= area) return;
  const size_t i = (size_t)blockIdx.y * area + p;
  y[i] = .299f * rgb[i * 3] + .587f * rgb[i * 3 + 1] + .114f * rgb[i * 3 + 2];
}

KERNEL __launch_bounds__(128) flow_halve(const float* __restrict__ x, float* __restrict__ y, int h, int w) {
  const int p = blockIdx.x * 128 + threadIdx.x, oh = h / 2, ow = w / 2;
  if (p >= oh * ow) return;
  const float* from = x + (size_t)blockIdx.y * h * w + p / ow * 2 * w + p % ow * 2;
  y[(size_t)blockIdx.y * oh * ow + p] = .25f * ((from[0] + from[1]) + (from[w] + from[w + 1]));
}

// between reads a plane at any place, linear between pixels.
DEVICE float between(const float* plane, int h, int w, float x, float y) {
  x = fminf(fmaxf(x, 0), w - 1);
  y = fminf(fmaxf(y, 0), h - 1);
  const int x0 = (int)x, y0 = (int)y, x1 = min(x0 + 1, w - 1), y1 = min(y0 + 1, h - 1);
  const float fx = x - x0, fy = y - y0;
  const float up = plane[y0 * w + x0] + fx * (plane[y0 * w + x1] - plane[y0 * w + x0]), down = plane[y1 * w + x0] + fx * (plane[y1 * w + x1] - plane[y1 * w + x0]);
  return up + fy * (down - up);
}

KERNEL __launch_bounds__(128) flow_patches(const float* __restrict__ from, const float* __restrict__ to, const float2* __restrict__ coarse, float2* __restrict__ patches, int h, int w,
    int gh, int gw, int rounds) {
  const int patch = blockIdx.x * 4 + (threadIdx.x >> 5), lane = threadIdx.x & 31;
  if (patch >= gh * gw) return;
  const int left = min(patch % gw * 4, w - 8), top = min(patch / gw * 4, h - 8);
  from += (size_t)blockIdx.y * h * w;
  to += (size_t)blockIdx.y * h * w;
  const int px = left + (lane & 7), py[2] = {top + (lane >> 3), top + 4 + (lane >> 3)};
  float value[2], gx[2], gy[2];
#pragma unroll
  for (int i = 0; i < 2; i++) {
    const float* row = from + py[i] * w;
    value[i] = row[px];
    gx[i] = .5f * (row[min(px + 1, w - 1)] - row[max(px - 1, 0)]);
    gy[i] = .5f * (from[min(py[i] + 1, h - 1) * w + px] - from[max(py[i] - 1, 0) * w + px]);
  }
  // Gradients less their mean: a difference in brightness drops out.
  const float mx = warpSum(gx[0] + gx[1]) * (1 / 64.f), my = warpSum(gy[0] + gy[1]) * (1 / 64.f);
#pragma unroll
  for (int i = 0; i < 2; i++) {
    gx[i] -= mx;
    gy[i] -= my;
  }
  const float xx = warpSum(gx[0] * gx[0] + gx[1] * gx[1]) + 1, xy = warpSum(gx[0] * gy[0] + gx[1] * gy[1]), yy = warpSum(gy[0] * gy[0] + gy[1] * gy[1]) + 1;
  const float inverse = 1 / (xx * yy - xy * xy);

  float u = 0, v = 0;
  if (coarse) {
    const int ch = h / 2, cw = w / 2;
    coarse += (size_t)blockIdx.y * ch * cw;
    float least = infinity();
#pragma unroll 1
    for (int k = 0; k < 5; k++) {  // the patch's own shift, and those of its neighbours
      const int cx = min(max((left + 4 + (k == 1 ? 8 : k == 2 ? -8 : 0)) / 2, 0), cw - 1), cy = min(max((top + 4 + (k == 3 ? 8 : k == 4 ? -8 : 0)) / 2, 0), ch - 1);
      const float2 d = coarse[cy * cw + cx];
      const float a = between(to, h, w, px + 2 * d.x, py[0] + 2 * d.y) - value[0], b = between(to, h, w, px + 2 * d.x, py[1] + 2 * d.y) - value[1];
      const float sum = warpSum(a + b), squares = warpSum(a * a + b * b) - sum * sum * (1 / 64.f);
      if (squares < least) {
        least = squares;
        u = 2 * d.x;
        v = 2 * d.y;
      }
    }
  }
  const float u0 = u, v0 = v;
#pragma unroll 1
  for (int r = 0; r < rounds; r++) {
    float a = 0, b = 0;
#pragma unroll
    for (int i = 0; i < 2; i++) {
      const float d = between(to, h, w, px + u, py[i] + v) - value[i];
      a += gx[i] * d;
      b += gy[i] * d;
    }
    a = warpSum(a);
    b = warpSum(b);
    u -= (yy * a - xy * b) * inverse;
    v -= (xx * b - xy * a) * inverse;
  }
  const float far = (u - u0) * (u - u0) + (v - v0) * (v - v0);
  if (!(far <= 64)) {  // further than its own size, or no number: what the coarser level said is safer
    u = u0;
    v = v0;
  }
  if (lane == 0) patches[(size_t)blockIdx.y * gh * gw + patch] = make_float2(u, v);
}

KERNEL __launch_bounds__(128) flow_dense(const float* __restrict__ from, const float* __restrict__ to, const float2* __restrict__ patches, float2* __restrict__ flow, int h, int w,
    int gh, int gw, float rate) {
  const int p = blockIdx.x * 128 + threadIdx.x, x = p % w, y = p / w;
  if (p >= h * w) return;
  from += (size_t)blockIdx.y * h * w;
  to += (size_t)blockIdx.y * h * w;
  patches += (size_t)blockIdx.y * gh * gw;
  const float value = from[p];
  float u = 0, v = 0, all = 0;
#pragma unroll 1
  for (int i = max(y - 4, 0) / 4; i < min(y / 4 + 2, gh); i++) {
    if ((u32)(y - min(i * 4, h - 8)) >= 8u) continue;
#pragma unroll 1
    for (int j = max(x - 4, 0) / 4; j < min(x / 4 + 2, gw); j++) {
      if ((u32)(x - min(j * 4, w - 8)) >= 8u) continue;
      const float2 d = patches[i * gw + j];
      const float weight = 1 / fmaxf(1, fabsf(between(to, h, w, x + d.x, y + d.y) - value));
      u += weight * d.x;
      v += weight * d.y;
      all += weight;
    }
  }
  flow[(size_t)blockIdx.y * h * w + p] = make_float2(u / all * rate, v / all * rate);
}
