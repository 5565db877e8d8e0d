// Functions of one element and of two.
//
//   unary:  y[i] = f(x[i]), which function by number: the list below
//   binary: y[i] = g(a[i'], b[i'']), over four axes; a step of 0 repeats an operand along an axis
//   affine: y[n, c, p] = clamp(x[n, c, p]·scale[c] + shift[c])
//   cut:    y[i] = clamp(x[i])
//   sum:    y[i] = clamp(a[i] + b[i])
//
// Launch: 256 threads, one element each, grid ⌈elements / 256⌉ (affine: grid (N·C, ⌈area / 256⌉)).
// Bound: memory. The choice of function is the same for a whole launch, so no warp diverges.
#include "common.cuh"
#include "unary.cuh"

KERNEL __launch_bounds__(256) unary(const float* __restrict__ x, float* __restrict__ y, int n, int which, float k) {
  const int i = blockIdx.x * 256 + threadIdx.x;
  if (i >= n) return;
  float v = x[i];
  switch (which) {
    case RELU: v = v < 0 ? 0 : v; break;
    case NEG: v = -v; break;
    case SIGMOID: v = sigmoid(v); break;
    case TANH: v = tanhf(v); break;
    case EXP: v = expf(v); break;
    case LOG: v = logf(v); break;
    case SQRT: v = sqrtf(v); break;
    case ABS: v = fabsf(v); break;
    case ERF: v = erff(v); break;
    case FLOOR: v = floorf(v); break;
    case CEIL: v = ceilf(v); break;
    case RECIPROCAL: v = 1 / v; break;
    case SOFTPLUS: v = v > 0 ? v + log1pf(expf(-v)) : log1pf(expf(v)); break;
    case HARD_SWISH: v = v * clamp(v / 6 + .5f, 0, 1); break;
    case LEAKY: v = v < 0 ? v * k : v; break;
    case GELU: v = v * (.5f + .5f * erff(v * .70710678118654752f)); break;
    default: v = v * sigmoid(v);
  }
  y[i] = v;
}

// wave keeps sines apart: their reduction of large angles costs registers the others need not pay.
// Angles up to 10⁵ are reduced in three steps (Cody and Waite), beyond that accuracy goes.
KERNEL __launch_bounds__(256) wave(const float* __restrict__ x, float* __restrict__ y, int n, int cosine) {
  const int i = blockIdx.x * 256 + threadIdx.x;
  if (i >= n) return;
  const float turns = rintf(x[i] * 0.63661977236758f);
  float r = fmaf(turns, -1.5707962512969971f, x[i]);
  r = fmaf(turns, -7.5497894158615964e-8f, r);
  r = fmaf(turns, -5.3903029534742384e-15f, r);
  const float q = r * r;
  const int quarter = (int)turns + cosine;
  const float s = r + r * q * (-1.6666654611e-1f + q * (8.3321608736e-3f - q * 1.9515295891e-4f));
  const float c = 1 + q * (-.5f + q * (4.166664568298827e-2f + q * (-1.388731625493765e-3f + q * 2.443315711809948e-5f)));
  const float v = quarter & 1 ? c : s;
  y[i] = quarter & 2 ? -v : v;
}

enum Binary { ADD, SUB, MUL, DIV, MAX, MIN, PRELU };

KERNEL __launch_bounds__(256) binary(const float* __restrict__ a, const float* __restrict__ b, float* __restrict__ y, int total, int n1, int n2, int n3,
    int a0, int a1, int a2, int a3, int b0, int b1, int b2, int b3, int which) {
  const u32 i = blockIdx.x * 256 + threadIdx.x;
  if (i >= (u32)total) return;
  const int l = i % n3, k = i / n3 % n2, j = i / (n3 * n2) % n1, h = i / ((u32)n3 * n2 * n1);
  const float u = a[h * a0 + j * a1 + k * a2 + l * a3], v = b[h * b0 + j * b1 + k * b2 + l * b3];
  float r;
  switch (which) {
    case ADD: r = u + v; break;
    case SUB: r = u - v; break;
    case MUL: r = u * v; break;
    case DIV: r = u / v; break;
    case MAX: r = greater(u, v); break;
    case MIN: r = lesser(u, v); break;
    default: r = u < 0 ? u * v : u;
  }
  y[i] = r;
}

KERNEL __launch_bounds__(256) affine(const float* __restrict__ x, const float* __restrict__ scale, const float* __restrict__ shift, float* __restrict__ y,
    int c, int area, float lo, float hi) {
  const int p = blockIdx.y * 256 + threadIdx.x, channel = blockIdx.x % c;
  if (p >= area) return;
  const size_t i = (size_t)blockIdx.x * area + p;
  y[i] = clamp(x[i] * scale[channel] + shift[channel], lo, hi);
}

KERNEL __launch_bounds__(256) cut(const float* __restrict__ x, float* __restrict__ y, int n, float lo, float hi) {
  const int i = blockIdx.x * 256 + threadIdx.x;
  if (i < n) y[i] = clamp(x[i], lo, hi);
}

KERNEL __launch_bounds__(256) sum(const float* __restrict__ a, const float* __restrict__ b, float* __restrict__ y, int n, float lo, float hi) {
  const int i = blockIdx.x * 256 + threadIdx.x;
  if (i < n) y[i] = clamp(a[i] + b[i], lo, hi);
}
