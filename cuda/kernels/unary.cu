// Functions of one element in fp32.
//
//   y[i] = f(x[i]), which function by number: the list of unary.cuh; k is LEAKY's slope
//
// Shapes: x, y (n).
// Launch: 256 threads, one element each, grid ⌈n / 256⌉.
// Bound: memory. The choice of function is the same for a whole launch, so no warp diverges.
#include "common.cuh"
#include "unary.cuh"
#include "softplus.cuh"

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
    case SOFTPLUS: v = fmaxf(v, 0) + logOnePlusExp(-fabsf(v)); break;
    case HARD_SWISH: v = v * clamp(v / 6 + .5f, 0, 1); break;
    case LEAKY: v = v < 0 ? v * k : v; break;
    case GELU: v = v * (.5f + .5f * erff(v * .70710678118654752f)); break;
    default: v = v * sigmoid(v);
  }
  y[i] = v;
}
