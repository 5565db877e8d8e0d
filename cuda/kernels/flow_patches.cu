// Shifts of patches between two grey pictures, fp32 (Kroeger et al. 2016, DIS): no search, no
// branches between lanes.
//
//   For each patch of 8 x 8, every 4 pixels: the shift d that makes from(x) = to(x + d) up to a difference in brightness,
//   by Gauss-Newton on from's gradient, `rounds` rounds, from the best of five shifts that the coarser level offers
//
// Shapes: from, to (N, h, w); coarse (N, h/2, w/2, 2) or none; patches (N, gh·gw, 2), gw = ⌈(w - 8) / 4⌉ + 1, gh alike: the last
// patch lies at the edge. h, w ≥ 8. Outside a plane its nearest pixel counts.
// Launch: 128 threads, a warp a patch, two pixels a lane, grid (⌈gh·gw / 4⌉, N). Bound: latency and instructions: three sums over a warp a round.
#include "common.cuh"
#include "flow.cuh"

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
