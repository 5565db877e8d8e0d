// Dense optical flow from the shifts of patches, fp32 (Kroeger et al. 2016, DIS).
//
//   flow(x) = rate · Σ weight·d / Σ weight over the patches on x, weight = 1 / max(1, |to(x + d) - from(x)|)
//
// Shapes: from, to (N, h, w); patches (N, gh·gw, 2) as flow_patches makes them; flow (N, h, w, 2). Outside a plane its nearest pixel counts.
// Launch: 128 threads, one pixel each, grid (⌈h·w / 128⌉, N). Bound: memory; at most four patches lie on a pixel.
#include "common.cuh"
#include "flow.cuh"

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
