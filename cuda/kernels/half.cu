// Between fp32 and bf16 or fp16 (half: 0 bf16, 1 fp16), and between channels first and last.
//
//   to_half:     y[i] = x[i]
//   from_half:   y[i] = x[i]
//   pack_half:   y[o, t, c] = w[o, c, t], zeros for c ≥ C: weights as conv_half wants them
//   last_half:   y[n, p, c] = x[n, c, p], zeros for c ≥ C: fp32 channels first to half channels last
//   first_float: y[n, c, p] = x[n, p, c]: back
//   pool_half:   y[n, c] = mean over p of x[n, p, c], fp32
//
// Shapes: to_half, from_half n elements; w (M, C, taps), y (M, taps, Cpad); last_half x (N, C, area), y (N, area, Cpad); first_float x (N, area, Cpad), y (N, C, area);
// pool_half x (N, area, C), C even.
// Launch: to_half, from_half, pack_half 256 threads, two elements of y each (n, Cpad even), grid ⌈elements / 512⌉; last_half, first_float 256 threads, 32 x 32 a block, grid
// (⌈area / 32⌉, ⌈Cpad / 32⌉, N); pool_half 128 threads, 64 channels a block, grid (⌈C / 64⌉, N). Bound: memory; a turn goes through shared memory.
#include "common.cuh"
#include "tensor.cuh"

DEVICE u32 pack(float low, float high, int half) { return half ? Fp16::pack(low, high) : Bf16::pack(low, high); }
DEVICE float low(u32 v, int half) { return half ? Fp16::low(v) : Bf16::low(v); }
DEVICE float high(u32 v, int half) { return half ? Fp16::high(v) : Bf16::high(v); }

KERNEL __launch_bounds__(256) to_half(const float2* __restrict__ x, u32* __restrict__ y, int n, int half) {
  const int i = blockIdx.x * 256 + threadIdx.x;
  if (i * 2 >= n) return;
  const float2 v = x[i];
  y[i] = pack(v.x, v.y, half);
}

KERNEL __launch_bounds__(256) from_half(const u32* __restrict__ x, float2* __restrict__ y, int n, int half) {
  const int i = blockIdx.x * 256 + threadIdx.x;
  if (i * 2 < n) y[i] = make_float2(low(x[i], half), high(x[i], half));
}

KERNEL __launch_bounds__(256) pack_half(const float* __restrict__ w, u32* __restrict__ y, int total, int c, int pad, int taps, int half) {
  const int i = (blockIdx.x * 256 + threadIdx.x) * 2;
  if (i >= total) return;
  const int k = i % pad, t = i / pad % taps, o = i / pad / taps;
  const float* from = w + ((size_t)o * c + k) * taps + t;
  y[i / 2] = pack(k < c ? from[0] : 0.f, k + 1 < c ? from[taps] : 0.f, half);
}

KERNEL __launch_bounds__(256) last_half(const float* __restrict__ x, u16* __restrict__ y, int c, int pad, int area, int half) {
  __shared__ float tile[32][33];
  const int lane = threadIdx.x & 31, line = threadIdx.x >> 5, p0 = blockIdx.x * 32, c0 = blockIdx.y * 32;
  x += (size_t)blockIdx.z * c * area;
  y += (size_t)blockIdx.z * area * pad;
#pragma unroll
  for (int r = line; r < 32; r += 8) tile[r][lane] = c0 + r < c && p0 + lane < area ? x[(size_t)(c0 + r) * area + p0 + lane] : 0.f;
  __syncthreads();
#pragma unroll
  for (int r = line; r < 32; r += 8)
    if (p0 + r < area && c0 + lane < pad) y[(size_t)(p0 + r) * pad + c0 + lane] = (u16)pack(tile[lane][r], 0, half);
}

KERNEL __launch_bounds__(256) first_float(const u16* __restrict__ x, float* __restrict__ y, int c, int pad, int area, int half) {
  __shared__ float tile[32][33];
  const int lane = threadIdx.x & 31, line = threadIdx.x >> 5, p0 = blockIdx.x * 32, c0 = blockIdx.y * 32;
  x += (size_t)blockIdx.z * area * pad;
  y += (size_t)blockIdx.z * c * area;
#pragma unroll
  for (int r = line; r < 32; r += 8) tile[r][lane] = p0 + r < area && c0 + lane < c ? low(x[(size_t)(p0 + r) * pad + c0 + lane], half) : 0.f;
  __syncthreads();
#pragma unroll
  for (int r = line; r < 32; r += 8)
    if (c0 + r < c && p0 + lane < area) y[(size_t)(c0 + r) * area + p0 + lane] = tile[lane][r];
}

KERNEL __launch_bounds__(128) pool_half(const u32* __restrict__ x, float* __restrict__ y, int c, int area, int half) {
  __shared__ float part[4][64];
  const int lane = threadIdx.x & 31, line = threadIdx.x >> 5, k = blockIdx.x * 64 + lane * 2;
  x += (size_t)blockIdx.y * area * (c / 2);
  float a = 0, b = 0;
  if (k < c)
#pragma unroll 4
    for (int p = line; p < area; p += 4) {
      const u32 v = x[(size_t)p * (c / 2) + k / 2];
      a += low(v, half);
      b += high(v, half);
    }
  part[line][lane] = a;
  part[line][32 + lane] = b;
  __syncthreads();
  if (line || k >= c) return;
#pragma unroll
  for (int r = 1; r < 4; r++) {
    a += part[r][lane];
    b += part[r][32 + lane];
  }
  *(float2*)(y + (size_t)blockIdx.y * c + k) = make_float2(a / area, b / area);
}
