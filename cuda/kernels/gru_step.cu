// One step of a gated recurrent unit in fp32 (Cho et al. 2014; the reset gate before the
// product's sum, as PyTorch has it) after its two products.
//
//   r, z = sigmoid(gx + gh), n = tanh(gx_n + r·gh_n), out' = n + z·(out - n); a sequence not seen keeps out
//
// Shapes: gx (B, 3H) with stepX floats from one sequence to the next, gh (B, 3H) dense, both with their biases, by thirds in the
// order r, z, n; out, out2 (B, H), seen (B) with stepSeen between them, or none. gates (B, 3H) are kept for the
// backward pass or none.
// Launch: 128 threads, one (b, j) each, grid ⌈B·H / 128⌉. Bound: memory.
#include "common.cuh"
#include "unary.cuh"

KERNEL __launch_bounds__(128) gru_step(const float* __restrict__ gx, const float* __restrict__ gh, const float* __restrict__ out, const float* __restrict__ seen,
    float* __restrict__ gates, float* __restrict__ out2, int batch, int h, int stepX, int stepSeen) {
  const int at = blockIdx.x * 128 + threadIdx.x;
  if (at >= batch * h) return;
  const int b = at / h, j = at % h;
  gx += (size_t)b * stepX + j;
  gh += (size_t)b * 3 * h + j;
  const float reset = sigmoid(gx[0] + gh[0]), update = sigmoid(gx[h] + gh[h]), fresh = tanhf(gx[2 * h] + reset * gh[2 * h]);
  if (gates) {
    float* g = gates + (size_t)b * 3 * h + j;
    g[0] = reset;
    g[h] = update;
    g[2 * h] = fresh;
  }
  out2[at] = seen && seen[(size_t)b * stepSeen] == 0 ? out[at] : fresh + update * (out[at] - fresh);
}
