// Gradients of one step of a gated recurrent unit in fp32; gru_step has its formula.
//
//   go = dout·seen, dn = go·(1-z)·(1-n²), dz = go·(out-n)·z·(1-z), dr = dn·gh_n·r·(1-r)
//   dgx = (dr, dz, dn), dgh = (dr, dz, dn·r), dout1 = go·z, or dout where the sequence was not seen
//
// Shapes: gates (B, 3H) that gru_step kept, gh (B, 3H), out, dout (B, H), seen (B) with stepSeen between them, or none -> dgx (B, 3H) with stepG
// between sequences, dgh (B, 3H) dense, dout1 (B, H) what passes to out round the gates (the rest is dgh·wh).
// Launch: 128 threads, one (b, j) each, grid ⌈B·H / 128⌉. Bound: memory.
#include "common.cuh"

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
