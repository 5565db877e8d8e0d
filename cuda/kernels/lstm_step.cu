// One step of a long short-term memory in fp32 (Hochreiter and Schmidhuber 1997) after its
// two products.
//
//   i, f, o = sigmoid, n = tanh of gx + gh + bias by quarters in the order i, f, n, o
//   cell' = f·cell + i·n, out' = o·tanh(cell'); a sequence not seen at this step keeps cell and out
//
// Shapes: gx (B, 4H) with stepX floats from one sequence to the next, gh (B, 4H) dense or none (out is 0), bias (4H) or none,
// cell, out, cell2, out2 (B, H), seen (B) with stepSeen between them, or none, gates (B, 4H) kept for the backward pass or none.
// Launch: 128 threads, one (b, j) each, grid ⌈B·H / 128⌉. Bound: memory.
#include "common.cuh"
#include "unary.cuh"

KERNEL __launch_bounds__(128) lstm_step(const float* __restrict__ gx, const float* __restrict__ gh, const float* __restrict__ bias, const float* __restrict__ cell,
    const float* __restrict__ out, const float* __restrict__ seen, float* __restrict__ gates, float* __restrict__ cell2, float* __restrict__ out2, int batch, int h,
    int stepX, int stepSeen) {
  const int at = blockIdx.x * 128 + threadIdx.x;
  if (at >= batch * h) return;
  const int b = at / h, j = at % h;
  float v[4];
#pragma unroll
  for (int q = 0; q < 4; q++) {
    v[q] = gx[(size_t)b * stepX + q * h + j];
    if (gh) v[q] += gh[(size_t)b * 4 * h + q * h + j];
    if (bias) v[q] += bias[q * h + j];
    v[q] = q == 2 ? tanhf(v[q]) : sigmoid(v[q]);
    if (gates) gates[(size_t)b * 4 * h + q * h + j] = v[q];
  }
  const float next = v[1] * cell[at] + v[0] * v[2];
  const bool keep = seen && seen[(size_t)b * stepSeen] == 0;
  cell2[at] = keep ? cell[at] : next;
  out2[at] = keep ? out[at] : v[3] * tanhf(next);
}
