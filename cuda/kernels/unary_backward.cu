// Gradients of functions of one element in fp32.
//
//   dx[i] = dy[i] · f'(x[i]), which function by number: the list of unary.cuh; k is LEAKY's slope
//
// Shapes: x, dy, dx (n).
// Launch: 256 threads, one element each, grid ⌈n / 256⌉. Bound: memory.
#include "common.cuh"
#include "unary.cuh"

KERNEL __launch_bounds__(256) unary_backward(const float* __restrict__ x, const float* __restrict__ dy, float* __restrict__ dx, int n, int which, float k) {
  const int i = blockIdx.x * 256 + threadIdx.x;
  if (i >= n) return;
  const float v = x[i];
  float s;
  switch (which) {
    case RELU: s = v > 0 ? 1 : 0; break;
    case NEG: s = -1; break;
    case SIGMOID: s = sigmoid(v); s = s * (1 - s); break;
    case TANH: s = tanhf(v); s = 1 - s * s; break;
    case EXP: s = expf(v); break;
    case LOG:
    case RECIPROCAL: s = 1 / v; s = which == LOG ? s : -s * s; break;
    case SQRT: s = .5f / sqrtf(v); break;
    case ABS: s = v > 0 ? 1 : v < 0 ? -1 : 0; break;
    case ERF: s = 1.1283791670955126f * expf(-v * v); break;
    case FLOOR:
    case CEIL: s = 0; break;
    case SOFTPLUS: s = sigmoid(v); break;
    case HARD_SWISH: s = v <= -3 ? 0 : v >= 3 ? 1 : v * (1 / 3.f) + .5f; break;
    case LEAKY: s = v < 0 ? k : 1; break;
    case GELU: s = .5f + .5f * erff(v * .70710678118654752f) + v * .3989422804014327f * expf(-.5f * v * v); break;
    default: s = sigmoid(v); s = s * (1 + v * (1 - s));
  }
  dx[i] = dy[i] * s;
}
