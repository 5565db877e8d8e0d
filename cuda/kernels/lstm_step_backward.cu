// Gradients of one step of a long short-term memory in fp32; lstm_step has its formula.
//
//   t = tanh(f·cell + i·n), go = dout·seen, gc = (dcell + go·o·(1-t²))·seen
//   dgates = (gc·n·i·(1-i), gc·cell·f·(1-f), gc·i·(1-n²), go·t·o·(1-o)), dcell1 = gc·f; what was not seen passes dcell and dout on
//
// Shapes: gates (B, 4H) that lstm_step kept, cell, dout, dcell by out2 and cell2 (B, H), seen (B) with stepSeen between them, or none ->
// dgates (B, 4H) with stepG between sequences (the gradient of gx and of gh), dcell1 by cell, dout1 what passes to out round the gates (the rest
// is dgates·wh).
// Launch: 128 threads, one (b, j) each, grid ⌈B·H / 128⌉. Bound: memory.
#include "common.cuh"

KERNEL __launch_bounds__(128) lstm_step_backward(const float* __restrict__ gates, const float* __restrict__ cell, const float* __restrict__ seen, const float* __restrict__ dout,
    const float* __restrict__ dcell, float* __restrict__ dgates, float* __restrict__ dcell1, float* __restrict__ dout1, int batch, int h, int stepG, int stepSeen) {
  const int at = blockIdx.x * 128 + threadIdx.x;
  if (at >= batch * h) return;
  const int b = at / h, j = at % h;
  const float* g = gates + (size_t)b * 4 * h + j;
  float* to = dgates + (size_t)b * stepG + j;
  const bool keep = seen && seen[(size_t)b * stepSeen] == 0;
  const float in = g[0], forget = g[h], fresh = g[2 * h], open = g[3 * h];
  const float wide = tanhf(forget * cell[at] + in * fresh), go = keep ? 0.f : dout[at];
  const float gc = keep ? 0.f : dcell[at] + go * open * (1 - wide * wide);
  to[0] = gc * fresh * in * (1 - in);
  to[h] = gc * cell[at] * forget * (1 - forget);
  to[2 * h] = gc * in * (1 - fresh * fresh);
  to[3 * h] = go * wide * open * (1 - open);
  dcell1[at] = keep ? dcell[at] : gc * forget;
  dout1[at] = keep ? dout[at] : 0.f;
}
