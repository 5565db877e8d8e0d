// Resizing planes in fp32, linear, with what is added to them and a clamp in the same pass.
//
//   y = clamp(mix of x at rows i0, i1 and columns j0, j1 by the fractions fi, fj + add)
//
// Where to look is worked out on the host in float64, once for a shape: sides holds the pairs (first, second) of all rows, then of
// all columns; fraction is the share of the second. add may be none: with it this is the "enlarge and add" of feature pyramids.
// Shapes: x (planes, h, w), y and add (planes, oh, ow), sides and fraction (oh + ow).
// Launch: 128 threads, one output each, grid (planes, ⌈oh·ow / 128⌉). Bound: memory.
#include "common.cuh"

KERNEL __launch_bounds__(128) resize_linear(const float* __restrict__ x, const int2* __restrict__ sides, const float* __restrict__ fraction,
    const float* __restrict__ add, float* __restrict__ y, int h, int w, int oh, int ow, float lo, float hi) {
  const int p = blockIdx.y * 128 + threadIdx.x;
  if (p >= oh * ow) return;
  const float* from = x + (size_t)blockIdx.x * h * w;
  const int2 i = sides[p / ow], j = sides[oh + p % ow];
  const float fi = fraction[p / ow], fj = fraction[oh + p % ow];
  const float up = from[i.x * w + j.x] * (1 - fj) + from[i.x * w + j.y] * fj, down = from[i.y * w + j.x] * (1 - fj) + from[i.y * w + j.y] * fj;
  float v = up * (1 - fi) + down * fi;
  const size_t q = (size_t)blockIdx.x * oh * ow + p;
  if (add) v += add[q];
  y[q] = clamp(v, lo, hi);
}
