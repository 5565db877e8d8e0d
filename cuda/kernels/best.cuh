// The best of scored places, over a block.
#pragma once
#include "common.cuh"

// A score, 0 or above, and its place as one number, which is larger where the score is higher, and of equals where the place is earlier; 0 is none.
typedef unsigned long long u64;
DEVICE u64 key(float score, int place) { return (u64)__float_as_uint(score) << 32 | ~(u32)place; }
DEVICE int placeOf(u64 best) { return (int)~(u32)best; }

// The best of a block of 128 threads; every thread gets it. part is used once.
DEVICE u64 blockBest(u64 best, u64 part[4]) {
#pragma unroll
  for (int o = 16; o > 0; o >>= 1) best = max(best, __shfl_xor_sync(0xffffffffu, best, o));
  if ((threadIdx.x & 31) == 0) part[threadIdx.x >> 5] = best;
  __syncthreads();
  return max(max(part[0], part[1]), max(part[2], part[3]));
}
