// What kernels on the tensor cores share: numbers of 16 bits, asynchronous copies into
// shared memory, fragments out of it, the product of fragments, and the loop of a tile.
// Fragments lie over a warp as the PTX manual's section on mma.m16n8k16 has them.
#pragma once
#include "common.cuh"

typedef unsigned short u16;

DEVICE u32 sharedAddress(const void* p) { return (u32)__cvta_generic_to_shared(p); }

// copy16 starts a copy of 16 bytes; where it is off, zeros are written and from is not read.
DEVICE void copy16(void* to, const void* from, bool on) {
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(sharedAddress(to)), "l"(from), "r"(on ? 16 : 0));
}
DEVICE void commitCopies() { asm volatile("cp.async.commit_group;"); }
template <int LEFT> DEVICE void waitCopies() { asm volatile("cp.async.wait_group %0;" ::"n"(LEFT)); }

// Four matrices of 8 x 8 numbers; each lane names one row.
DEVICE void load4(u32 r[4], const u16* row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];" : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3]) : "r"(sharedAddress(row)));
}
DEVICE void load4Turned(u32 r[4], const u16* row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];" : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3]) : "r"(sharedAddress(row)));
}

// Whole stores: the compiler takes those of a struct apart where branches lie between its parts.
DEVICE void store(void* to, float4 v) {
  asm volatile("st.global.v4.f32 [%0], {%1, %2, %3, %4};" ::"l"(__cvta_generic_to_global(to)), "f"(v.x), "f"(v.y), "f"(v.z), "f"(v.w) : "memory");
}
DEVICE void store(void* to, uint2 v) { asm volatile("st.global.v2.u32 [%0], {%1, %2};" ::"l"(__cvta_generic_to_global(to)), "r"(v.x), "r"(v.y) : "memory"); }

// A number of 16 bits: pairs, low half first, and the product d (16 x 8) += a (16 x 16) · b (16 x 8).
struct Bf16 {
  static DEVICE u32 pack(float low, float high) {
    u32 v;
    asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(v) : "f"(high), "f"(low));
    return v;
  }
  static DEVICE float low(u32 v) { return __int_as_float(v << 16); }
  static DEVICE float high(u32 v) { return __int_as_float(v & 0xffff0000u); }
  static DEVICE void multiply(float d[4], const u32 a[4], const u32 b[2]) {
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
                 : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3]) : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
  }
};
struct Fp16 {
  static DEVICE u32 pack(float low, float high) {
    u32 v;
    asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(v) : "f"(high), "f"(low));
    return v;
  }
  static DEVICE float low(u32 v) {
    float f;
    asm("cvt.f32.f16 %0, %1;" : "=f"(f) : "h"((u16)v));
    return f;
  }
  static DEVICE float high(u32 v) { return low(v >> 16); }
  static DEVICE void multiply(float d[4], const u32 a[4], const u32 b[2]) {
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
                 : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3]) : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
  }
};

// A block of 256 threads makes 128 rows x WIDE columns; STEP numbers of the sum a stage,
// STAGES of them in flight. Rows in shared memory are PITCH numbers long, or where a
// side lies turned, the side and 8 more: eight rows of a matrix meet all banks once.
const int ROWS = 128, STEP = 32, STAGES = 3, PITCH = STEP + 8;

// WIDE 64: warps 4 x 2 with 32 x 32 each; WIDE 32: warps 8 x 1 with 16 x 32 each.
template <class H, int WIDE, bool TA, bool TB> struct TensorTile {
  static const int ACROSS = WIDE / 32, HIGH = ROWS / (8 / ACROSS), TILES = HIGH / 16;
  static const int SIZE_A = TA ? STEP * (ROWS + 8) : ROWS * PITCH, SIZE_B = TB ? WIDE * PITCH : STEP * (WIDE + 8), SIZE = SIZE_A + SIZE_B;
  static const int OUT = WIDE + 8;  // pitch of the results in shared memory
  float acc[TILES][4][4];
  int lane, row, column;  // first of this warp

  DEVICE TensorTile() {
    const int warp = threadIdx.x >> 5;
    lane = threadIdx.x & 31;
    row = warp / ACROSS * HIGH;
    column = warp % ACROSS * 32;
#pragma unroll
    for (int i = 0; i < TILES * 16; i++) acc[i / 16][i / 4 % 4][i % 4] = 0;
  }

  // One stage: a (ROWS, STEP), or (STEP, ROWS) turned; b (WIDE, STEP) where TB, else (STEP, WIDE).
  DEVICE void add(const u16* a, const u16* b) {
#pragma unroll
    for (int k = 0; k < STEP; k += 16) {
      u32 fa[TILES][4], fb[2][4];
#pragma unroll
      for (int i = 0; i < TILES; i++) {
        if (TA) load4Turned(fa[i], a + (k + (lane >> 4) * 8 + (lane & 7)) * (ROWS + 8) + row + i * 16 + (lane >> 3 & 1) * 8);
        else load4(fa[i], a + (row + i * 16 + (lane & 15)) * PITCH + k + (lane >> 4) * 8);
      }
#pragma unroll
      for (int j = 0; j < 2; j++) {
        if (TB) load4(fb[j], b + (column + j * 16 + (lane >> 4) * 8 + (lane & 7)) * PITCH + k + (lane >> 3 & 1) * 8);
        else load4Turned(fb[j], b + (k + (lane >> 3 & 1) * 8 + (lane & 7)) * (WIDE + 8) + column + j * 16 + (lane >> 4) * 8);
      }
#pragma unroll
      for (int i = 0; i < TILES; i++)
#pragma unroll
        for (int j = 0; j < 4; j++) H::multiply(acc[i][j], fa[i], fb[j / 2] + j % 2 * 2);
    }
  }

  // run adds up all stages; fetch(stage, shared a, shared b) starts the copies of one.
  template <class F> DEVICE void run(u16* shared, int stages, F fetch) {
#pragma unroll
    for (int s = 0; s < STAGES - 1; s++) {
      if (s < stages) fetch(s, shared + s * SIZE, shared + s * SIZE + SIZE_A);
      commitCopies();
    }
#pragma unroll 1
    for (int s = 0; s < stages; s++) {
      waitCopies<STAGES - 2>();
      __syncthreads();  // the copies of all threads are there, and nobody reads the stage that is overwritten next
      const int ahead = s + STAGES - 1;
      u16* to = shared + ahead % STAGES * SIZE;
      if (ahead < stages) fetch(ahead, to, to + SIZE_A);
      commitCopies();
      const u16* from = shared + s % STAGES * SIZE;
      add(from, from + SIZE_A);
    }
    waitCopies<0>();
    __syncthreads();
  }

  // keep puts the results into shared memory, from where threads side by side write columns side by side.
  DEVICE void keep(float* s) {
    const int g = lane >> 2, q = lane & 3;
#pragma unroll
    for (int i = 0; i < TILES; i++)
#pragma unroll
      for (int j = 0; j < 4; j++)
#pragma unroll
        for (int h = 0; h < 2; h++)
          *(float2*)(s + (row + i * 16 + g + h * 8) * OUT + column + j * 8 + q * 2) = make_float2(acc[i][j][h * 2], acc[i][j][h * 2 + 1]);
    __syncthreads();
  }
};

// finish writes a tile's rows x columns, four columns a thread: y = clamp(alpha·s + bias + residual), as fp32 or H.
// columns and n are multiples of 4.
template <class H, int WIDE, int OUT, bool FLOAT>
DEVICE void finishAs(const float* s, const float* bias, const void* residual, void* y, size_t to, int rows, int columns, int n, float alpha, float lo, float hi) {
  const int q = threadIdx.x % (WIDE / 4) * 4;
  if (q >= columns) return;
  float4 b = make_float4(0, 0, 0, 0);
  if (bias) b = *(const float4*)(bias + q);
#pragma unroll 1
  for (int r = threadIdx.x / (WIDE / 4); r < rows; r += 1024 / WIDE) {
    float4 v = *(const float4*)(s + r * OUT + q);
    const size_t at = to + (size_t)r * n + q;
    v = make_float4(alpha * v.x + b.x, alpha * v.y + b.y, alpha * v.z + b.z, alpha * v.w + b.w);
    if (FLOAT) {
      if (residual) {
        const float4 o = *(const float4*)((const float*)residual + at);
        v = make_float4(v.x + o.x, v.y + o.y, v.z + o.z, v.w + o.w);
      }
      store((float*)y + at, make_float4(clamp(v.x, lo, hi), clamp(v.y, lo, hi), clamp(v.z, lo, hi), clamp(v.w, lo, hi)));
    } else {
      if (residual) {
        const uint2 o = *(const uint2*)((const u16*)residual + at);
        v = make_float4(v.x + H::low(o.x), v.y + H::high(o.x), v.z + H::low(o.y), v.w + H::high(o.y));
      }
      store((u16*)y + at, make_uint2(H::pack(clamp(v.x, lo, hi), clamp(v.y, lo, hi)), H::pack(clamp(v.z, lo, hi), clamp(v.w, lo, hi))));
    }
  }
}

template <class H, int WIDE, int OUT>
DEVICE void finish(const float* s, const float* bias, const void* residual, void* y, size_t to, int rows, int columns, int n, float alpha, float lo, float hi, int wide) {
  if (wide) finishAs<H, WIDE, OUT, true>(s, bias, residual, y, to, rows, columns, n, alpha, lo, hi);
  else finishAs<H, WIDE, OUT, false>(s, bias, residual, y, to, rows, columns, n, alpha, lo, hi);
}
