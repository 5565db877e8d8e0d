// The points of the one person of a picture, as MoveNet Thunder's maps have them: the middle is warm and near where it should be, each point warm and near
// where the middle says that it is.
//
//   m = argmax over cells of σ(middle[n, c])·near[c]
//   (ey, ex) = m + regress[n, k, :, m]
//   a = argmax over cells of σ(heat[n, k, c]) / (|c - (ey, ex)| + slack);  of equals the first, NaN never, the first cell where there is nothing else
//   y[n, 5k..5k+4] = ((a + offset[n, k, :, a]) / (w, h), x before y; σ(heat[n, k, a]), 0 where nothing else is; (ex, ey) / (w, h))
//   y[n, 5·points] = σ(middle[n, m])
//
// Shapes: middle (N, h, w), near (h, w), 0 or above, regress and offset (N, points · (y, x), h, w), heat (N, points, h, w); y (N, 5·points + 1).
// Launch: 128 threads, one point of a picture each block, grid (points, N). Bound: memory, a plane of heat a block; the middle's plane, which all points of
// a picture read, comes from the second cache.
#include "common.cuh"
#include "best.cuh"

DEVICE float sigmoid(float x) { return 1 / (1 + expf(-x)); }

KERNEL __launch_bounds__(128) person_points(const float* __restrict__ middle, const float* __restrict__ near, const float* __restrict__ heat, const float* __restrict__ regress,
    const float* __restrict__ offset, float* __restrict__ y, int h, int w, float slack) {
  __shared__ u64 middles[4], points[4];
  const int k = blockIdx.x, area = h * w;
  const size_t n = blockIdx.y, plane = n * gridDim.x + k;
  if (area == 0) return;
  middle += n * area;
  heat += plane * area;
  regress += plane * 2 * area;
  offset += plane * 2 * area;
  y += n * (5 * gridDim.x + 1);
  u64 best = 0;
#pragma unroll 4
  for (int q = threadIdx.x; q < area; q += 128) {
    const float s = sigmoid(middle[q]) * near[q];
    if (s >= 0) best = max(best, key(s, q));  // no NaN
  }
  best = blockBest(best, middles);
  const int m = best ? placeOf(best) : 0;
  const float ey = m / w + regress[m], ex = m % w + regress[area + m];
  best = 0;
#pragma unroll 4
  for (int q = threadIdx.x; q < area; q += 128) {
    const float dy = q / w - ey, dx = q % w - ex;
    const float s = sigmoid(heat[q]) / (sqrtf(dy * dy + dx * dx) + slack);
    if (s >= 0) best = max(best, key(s, q));
  }
  best = blockBest(best, points);
  if (threadIdx.x != 0) return;
  const int a = best ? placeOf(best) : 0;
  y[5 * k] = (a % w + offset[area + a]) / w;
  y[5 * k + 1] = (a / w + offset[a]) / h;
  y[5 * k + 2] = best ? sigmoid(heat[a]) : 0;
  y[5 * k + 3] = ex / w;
  y[5 * k + 4] = ey / h;
  if (k == 0) y[5 * gridDim.x] = sigmoid(middle[m]);
}
