// One step of a gated recurrent unit in fp32 (Cho et al. 2014; the reset gate before the
// product's sum, as PyTorch has it) after its two products, forward and backward.
//
//   r, z = sigmoid(gx + gh), n = tanh(gx_n + r·gh_n), out' = n + z·(out - n); a sequence not seen keeps out
//
// Shapes: gx (B, 3H) with stepX floats from one sequence to the next, gh (B, 3H) dense, both with their biases, by thirds in the
// order r, z, n; out, out2 (B, H), seen (B) with stepSeen between them, or none. gates (B, 3H) are kept for the
// backward pass or none. Backward: dout by out2 -> dgx (B, 3H) with stepG between sequences, dgh (B, 3H) dense, dout1 what passes to out
// round the gates (the rest is dgh·wh).
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

KERNEL __launch_bounds__(128) gru_step_backward(const float* __restrict__ gates, const float* __restrict__ gh, const float* __restrict__ out, const float* __restrict__ seen,
    const float* __restrict__ dout, float* __restrict__ dgx, float* __restrict__ dgh, float* __restrict__ dout1, int batch, int h, int stepG, int stepSeen) {
  const int at = blockIdx.x * 128 + threadIdx.x;
  if (at >= batch * h) return;
  const int b = at / h, j = at % h;
  const float* g = gates + (size_t)b * 3 * h + j;
  const bool keep = seen && seen[(size_t)b * stepSeen] == 0;
  const float reset = g[0], update = g[h], fresh = g[2 * h], go = keep ? 0.f : dout[at];
  const float dn = go * (1 - update) * (1 - fresh * fresh), dz = go * (out[at] - fresh) * update * (1 - update);
  const float dr = dn * gh[(size_t)b * 3 * h + 2 * h + j] * reset * (1 - reset);
  float *x = dgx + (size_t)b * stepG + j, *y = dgh + (size_t)b * 3 * h + j;
  x[0] = y[0] = dr;
  x[h] = y[h] = dz;
  x[2 * h] = dn;
  y[2 * h] = dn * reset;
  dout1[at] = keep ? dout[at] : go * update;
}
