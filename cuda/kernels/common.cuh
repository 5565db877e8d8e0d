// What all kernels share: cutting off, sums over a warp and a block, and the
// multiply-accumulate of a tile. NVRTC has no system headers, so constants are
// spelled out.
#pragma once

typedef unsigned int u32;

#define DEVICE __device__ __forceinline__
#define KERNEL extern "C" __global__ void

// clamp keeps a NaN, as the CPU does; fminf and fmaxf would swallow it.
DEVICE float clamp(float x, float lo, float hi) { return x < lo ? lo : (x > hi ? hi : x); }

// greater keeps a NaN of either.
DEVICE float greater(float a, float b) { return a != a || a > b ? a : b; }
DEVICE float lesser(float a, float b) { return a != a || a < b ? a : b; }

DEVICE float infinity() { return __int_as_float(0x7f800000); }

// Sum and maximum over a warp; every lane gets the result.
DEVICE float warpSum(float v) {
#pragma unroll
  for (int o = 16; o > 0; o >>= 1) v += __shfl_xor_sync(0xffffffffu, v, o);
  return v;
}
DEVICE float warpMax(float v) {
#pragma unroll
  for (int o = 16; o > 0; o >>= 1) v = greater(v, __shfl_xor_sync(0xffffffffu, v, o));
  return v;
}

// Sum over a block of 128 threads; every thread gets it. part holds 4 floats and
// may be used again after the next barrier.
DEVICE float blockSum(float v, float* part) {
  v = warpSum(v);
  if ((threadIdx.x & 31) == 0) part[threadIdx.x >> 5] = v;
  __syncthreads();
  v = (part[0] + part[1]) + (part[2] + part[3]);
  __syncthreads();
  return v;
}

// The slot of each number that steers a training step, in one array on the device:
// step_control writes it, losses and optimizers read it. The host sets RATE, KEEP
// and, at the start, SCALE.
enum Control { NORM, FACTOR, COUNTS, SCALE, GOOD, STEPS, FIX1, FIX2, RATE, KEEP };

// A tile of BM x BN results of a block of 256 threads, 4 x 4 a thread, DEPTH steps
// of the sum at a time. BM is 16, 32 or 64: thin layers waste no rows.
const int DEPTH = 16;
template <int BM> struct Tile {
  static const int BN = 4096 / BM;
  static const int ACROSS = BN / 4;  // threads side by side
  float acc[4][4];
  int row, column;  // first of this thread, in the tile

  DEVICE Tile() {
    row = threadIdx.x / ACROSS * 4;
    column = threadIdx.x % ACROSS * 4;
#pragma unroll
    for (int i = 0; i < 4; i++)
#pragma unroll
      for (int j = 0; j < 4; j++) acc[i][j] = 0;
  }

  // a is (DEPTH, BM), b is (DEPTH, BN), both in shared memory; PAD more lie between their rows.
  template <int PAD = 0> DEVICE void add(const float* a, const float* b) {
#pragma unroll
    for (int k = 0; k < DEPTH; k++) {
      const float4 p = *(const float4*)(a + k * (BM + PAD) + row), q = *(const float4*)(b + k * (BN + PAD) + column);
      const float u[4] = {p.x, p.y, p.z, p.w}, v[4] = {q.x, q.y, q.z, q.w};
#pragma unroll
      for (int i = 0; i < 4; i++)
#pragma unroll
        for (int j = 0; j < 4; j++) acc[i][j] += u[i] * v[j];
    }
  }

  // keep puts the results into shared memory as (BM, BN), from where threads side by
  // side write columns side by side. The memory may be that of a and b.
  DEVICE void keep(float* s) {
    __syncthreads();
#pragma unroll
    for (int i = 0; i < 4; i++) *(float4*)(s + (row + i) * BN + column) = make_float4(acc[i][0], acc[i][1], acc[i][2], acc[i][3]);
    __syncthreads();
  }
};
