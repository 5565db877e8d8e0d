// The points of bodies, as MoveNet's decoder has it: near where the middle of a body says that a point is, the place where heat and nearness
// together are highest. The middles are what the kernel peaks found.
//
//   (ey, ex) = middle + regress[k, :, middle]
//   best = argmax of sigmoid(heat[k, j, i]) / (|(j, i) - (ey, ex)| + 1.8) over the square of cells within 20 of (ey, ex); of equals the first
//   y[b, k] = (bits of best, or of -1 where the square is empty; heat there; offset there, y and x)
//
// Shapes: found (most, 2), count (1): of peaks in one plane (h, w); regress and offset (2·points, h, w), heat (points, h, w); y (most, points, 4),
// bodies from the count on stay as they are.
// Launch: 128 threads, one point each block, grid (points, most). Bound: arithmetic, 41² exponentials and roots a point.
#include "common.cuh"
#include "best.cuh"

const int REACH = 20;
const float NEAR = 1.8f, FARTHEST = 1e6f;

KERNEL __launch_bounds__(128) pose_points(const int2* __restrict__ found, const int* __restrict__ count, const float* __restrict__ regress, const float* __restrict__ heat, const float* __restrict__ offset,
    float4* __restrict__ y, int h, int w, int most) {
  __shared__ u64 part[4];
  const int b = blockIdx.y, k = blockIdx.x, area = h * w;
  if (b >= min(count[0], most)) return;  // all threads of the block
  const int middle = found[b].x;
  const float ey = clamp(middle / w + regress[(size_t)(2 * k) * area + middle], -FARTHEST, FARTHEST), ex = clamp(middle % w + regress[(size_t)(2 * k + 1) * area + middle], -FARTHEST, FARTHEST);
  const int y0 = max(0, (int)ey - REACH), x0 = max(0, (int)ex - REACH), rows = min(h, (int)ey + REACH + 1) - y0, across = min(w, (int)ex + REACH + 1) - x0;
  const float* from = heat + (size_t)k * area;
  u64 best = 0;
  if (across > 0)
#pragma unroll 1
    for (int q = threadIdx.x; q < rows * across; q += 128) {
      const int j = y0 + q / across, i = x0 + q % across;
      const float dy = j - ey, dx = i - ex;
      const float s = 1 / ((1 + expf(-from[j * w + i])) * (sqrtf(dy * dy + dx * dx) + NEAR));
      if (s >= 0) best = max(best, key(s, j * w + i));  // no NaN
    }
  best = blockBest(best, part);
  if (threadIdx.x != 0) return;
  const int place = best ? placeOf(best) : -1, at = max(place, 0);
  y[b * gridDim.x + k] = make_float4(__int_as_float(place), from[at], offset[(size_t)(2 * k) * area + at], offset[(size_t)(2 * k + 1) * area + at]);
}
