/* The kernels, written once with GCC's vector extensions and compiled once an instruction set. The including file sets ISA (suffix), NAME, VB
 * (bytes of a vector) and PANEL (blocks of 16 output channels a panel has). */
#include "engine.h"
typedef float vf __attribute__((vector_size(VB), aligned(4), may_alias));
#define VL (VB / 4)      /* floats in a vector */
#define V (CL_BLOCK / VL) /* vectors in a block of 16 channels */
#define INL static inline __attribute__((always_inline))
#define CAT_(a, b) a##b
#define CAT(a, b) CAT_(a, b)
#define UNROLL _Pragma("GCC unroll 64")

INL vf splat(float x) { return x - (vf){}; }
#if defined(__aarch64__)
#include <arm_neon.h>
INL vf vmin(vf a, vf b) { return (vf)vminq_f32((float32x4_t)a, (float32x4_t)b); }
INL vf vmax(vf a, vf b) { return (vf)vmaxq_f32((float32x4_t)a, (float32x4_t)b); }
#else
#include <immintrin.h>
#if VB == 64
#define MM(f) CAT(_mm512_, f)
#elif VB == 32
#define MM(f) CAT(_mm256_, f)
#else
#define MM(f) CAT(_mm_, f)
#endif
INL vf vmin(vf a, vf b) { return (vf)MM(min_ps)(a, b); }
INL vf vmax(vf a, vf b) { return (vf)MM(max_ps)(a, b); }
#endif
#define AT(p) (*(const vf *)(p))
#define TO(p) (*(vf *)(p))

/* M pixels x NV blocks of output channels. The accumulators' array has constant bounds: with M in them it would be a VLA in memory. */
INL void tile(const int M, const int NV, const struct cl_gemm *g, const float *a, const float *w, const float *bias, const float *res,
              float *out, long out_block, long res_block, int row_end, long gap, const float *next, int lines) {
    const long lda = g->lda;
    vf acc[14][3 * V];
    UNROLL for (int j = 0; j < NV * V; j++) {
        vf b = AT(bias + j * VL);
        UNROLL for (int m = 0; m < M; m++) acc[m][j] = b;
    }
    for (int s = 0; s < g->nseg; s++) {
        const float *as = a + g->off[s];
        const int kn = s == g->nseg - 1 ? g->klast : g->kseg;
        for (int k = 0; k < kn; k++, w += NV * CL_BLOCK, as++) {
            vf b[3 * V];
            UNROLL for (int j = 0; j < NV * V; j++) b[j] = AT(w + j * VL);
            UNROLL for (int m = 0; m < M; m++) {
                vf x = splat(as[m * lda]);
                UNROLL for (int j = 0; j < NV * V; j++) acc[m][j] += x * b[j];
            }
        }
        for (int i = 0; i < lines; i++, next += 16) __builtin_prefetch(next, 0, 2);
    }
    vf lo = splat(g->lo), hi = splat(g->hi);
    UNROLL for (int m = 0; m < M; m++) UNROLL for (int j = 0; j < NV * V; j++) {
        const long c = j / V, i = (j % V) * VL + m * CL_BLOCK;
        vf v = acc[m][j];
        if (res) v += AT(res + c * res_block + i);
        TO(out + c * out_block + i + (m >= row_end ? gap : 0)) = vmin(vmax(v, lo), hi);
    }
}
typedef void (*tile_fn)(const struct cl_gemm *, const float *, const float *, const float *, const float *, float *, long, long, int, long,
                        const float *, int);
#define TILE(M, NV) static void tile_##M##_##NV(const struct cl_gemm *g, const float *a, const float *w, const float *bias, \
    const float *res, float *out, long ob, long rb, int row_end, long gap, const float *next, int lines) { \
    tile(M, NV, g, a, w, bias, res, out, ob, rb, row_end, gap, next, lines); }
#define TO6(X, N) X(1, N) X(2, N) X(3, N) X(4, N) X(5, N) X(6, N)
#define TO9(X, N) TO6(X, N) X(7, N) X(8, N) X(9, N)
#define TO14(X, N) TO9(X, N) X(10, N) X(11, N) X(12, N) X(13, N) X(14, N)
#define REF(M, NV) tile_##M##_##NV,
#if VB == 64 /* 32 registers: 14 x 1, 14 x 2 and 9 x 3 accumulators */
TO14(TILE, 1) TO14(TILE, 2) TO9(TILE, 3)
static const tile_fn tiles1[] = {0, TO14(REF, 1)}, tiles2[] = {0, TO14(REF, 2)}, tiles3[] = {0, TO9(REF, 3)};
#define TILE_PIXELS 9
static const int most[] = {0, 14, 14, 9};
static const tile_fn *tiles[] = {0, tiles1, tiles2, tiles3};
#elif VB == 16 && !defined(__aarch64__) /* 16 registers of four floats: 2 x 1 */
TILE(1, 1) TILE(2, 1)
static const tile_fn tiles1[] = {0, tile_1_1, tile_2_1};
#define TILE_PIXELS 2
static const int most[] = {0, 2};
static const tile_fn *tiles[] = {0, tiles1};
#else
TO6(TILE, 1)
static const tile_fn tiles1[] = {0, TO6(REF, 1)};
#define TILE_PIXELS 6
static const int most[] = {0, 6};
static const tile_fn *tiles[] = {0, tiles1};
#endif

/* One panel over `pixels` pixels, cut into tiles of nearly equal size. The pixels may be rows of `wide` that the output keeps `gap` floats
 * apart (a padded strip), so that tiles need not end with a row. While a panel is used, the next one is drawn nearer, tile by tile. */
static void CAT(gemm_, ISA)(const struct cl_gemm *g, int nv, const float *a, const float *w, const float *bias, const float *res, float *out,
                            long out_block, long res_block, int pixels, int wide, long gap) {
    int n = (pixels + most[nv] - 1) / most[nv], lines = (16 * nv + n - 1) / n;
    const float *next = w + ((long)(g->nseg - 1) * g->kseg + g->klast) * nv * CL_BLOCK;
    for (int t = 0, p = 0; t < n; t++) {
        int m = (pixels - p + n - t - 1) / (n - t), row = p / wide;
        if (most[nv] > wide && p + m > (row + 2) * wide) m = (row + 2) * wide - p; /* a tile crosses one row end at most */
        tiles[nv][m](g, a + p * g->lda, w, bias, res ? res + (long)p * CL_BLOCK : 0, out + (long)p * CL_BLOCK + row * gap, out_block, res_block,
                     (row + 1) * wide - p, gap, next + (long)t * lines * g->nseg * 16, lines);
        p += m;
        if (t == n - 1 && p < pixels) n++;
    }
}

/* Depthwise on a padded strip of one block. */
INL void dw_tile(const int KH, const int KW, const int S, const int T, const float *p, long pitch, const float *w, vf bias, float *out,
                 vf lo, vf hi) {
    vf acc[7];
    UNROLL for (int t = 0; t < T; t++) acc[t] = bias;
    UNROLL for (int y = 0; y < KH; y++) UNROLL for (int x = 0; x < KW; x++) {
        vf k = AT(w + (y * KW + x) * CL_BLOCK);
        UNROLL for (int t = 0; t < T; t++) acc[t] += k * AT(p + y * pitch + (t * S + x) * CL_BLOCK);
    }
    UNROLL for (int t = 0; t < T; t++) TO(out + t * CL_BLOCK) = vmin(vmax(acc[t], lo), hi);
}
INL void dw_rows(const int KH, const int KW, const int S, const float *p, long pitch, const float *w, const float *bias, float *out,
                 int rows, int columns, float low, float high) {
    vf lo = splat(low), hi = splat(high);
    for (int v = 0; v < V; v++) for (int r = 0; r < rows; r++) {
        const float *q = p + (long)r * S * pitch + v * VL, *k = w + v * VL;
        float *o = out + (long)r * columns * CL_BLOCK + v * VL;
        vf b = AT(bias + v * VL);
        int x = 0;
        for (; x + 7 <= columns; x += 7) dw_tile(KH, KW, S, 7, q + x * S * CL_BLOCK, pitch, k, b, o + x * CL_BLOCK, lo, hi);
        for (; x + 2 <= columns; x += 2) dw_tile(KH, KW, S, 2, q + x * S * CL_BLOCK, pitch, k, b, o + x * CL_BLOCK, lo, hi);
        for (; x < columns; x++) dw_tile(KH, KW, S, 1, q + x * S * CL_BLOCK, pitch, k, b, o + x * CL_BLOCK, lo, hi);
    }
}
static void CAT(depthwise_, ISA)(int kh, int kw, int s, const float *p, long pitch, const float *w, const float *bias, float *out, int rows,
                                 int columns, float lo, float hi) {
    if (kh == 3 && kw == 3 && s == 1) dw_rows(3, 3, 1, p, pitch, w, bias, out, rows, columns, lo, hi);
    else if (kh == 3 && kw == 3 && s == 2) dw_rows(3, 3, 2, p, pitch, w, bias, out, rows, columns, lo, hi);
    else if (kh == 5 && kw == 5 && s == 1) dw_rows(5, 5, 1, p, pitch, w, bias, out, rows, columns, lo, hi);
    else if (kh == 5 && kw == 5 && s == 2) dw_rows(5, 5, 2, p, pitch, w, bias, out, rows, columns, lo, hi);
    else dw_rows(kh, kw, s, p, pitch, w, bias, out, rows, columns, lo, hi);
}

/* out = clamp(add + twofold bilinear enlargement of low, half-pixel centres); one row of one block. f is the share of low1. */
static void CAT(upadd_, ISA)(const float *low0, const float *low1, float f, const float *add, float *out, int columns, float low, float high) {
    vf lo = splat(low), hi = splat(high);
    for (int v = 0; v < V; v++) {
        vf a = splat(1 - f), b = splat(f), q = splat(.25f), t = splat(.75f), left, mid, right;
#define LOW(i) (a * AT(low0 + (i) * CL_BLOCK + v * VL) + b * AT(low1 + (i) * CL_BLOCK + v * VL))
        left = mid = LOW(0);
        for (int i = 0; i < columns; i++, left = mid, mid = right) {
            right = mid;
            if (i + 1 < columns) right = LOW(i + 1);
            long o = i * 2 * CL_BLOCK + v * VL;
            vf x = q * left + t * mid, y = t * mid + q * right;
            if (add) x += AT(add + o), y += AT(add + o + CL_BLOCK);
            TO(out + o) = vmin(vmax(x, lo), hi);
            TO(out + o + CL_BLOCK) = vmin(vmax(y, lo), hi);
        }
    }
}
/* n is a multiple of 16 in all that follow. */
static void CAT(add_, ISA)(const float *a, const float *b, float *out, long n, float low, float high) {
    vf lo = splat(low), hi = splat(high);
    for (long i = 0; i < n; i += VL) TO(out + i) = vmin(vmax(AT(a + i) + AT(b + i), lo), hi);
}
static void CAT(clamp_, ISA)(const float *a, float *out, long n, float low, float high) {
    vf lo = splat(low), hi = splat(high);
    for (long i = 0; i < n; i += VL) TO(out + i) = vmin(vmax(AT(a + i), lo), hi);
}
static void CAT(prelu_, ISA)(const float *a, const float *slope, float *out, long n) {
    for (int v = 0; v < V; v++) {
        vf k = AT(slope + v * VL), zero = splat(0);
        for (long i = v * VL; i < n; i += CL_BLOCK) {
            vf x = AT(a + i);
            TO(out + i) = vmax(x, zero) + k * vmin(x, zero);
        }
    }
}
static void CAT(scale_, ISA)(const float *a, const float *factor, const float *shift, float *out, long n, float low, float high) {
    vf lo = splat(low), hi = splat(high);
    for (int v = 0; v < V; v++) {
        vf k = AT(factor + v * VL), b = shift ? AT(shift + v * VL) : splat(0);
        for (long i = v * VL; i < n; i += CL_BLOCK) TO(out + i) = vmin(vmax(k * AT(a + i) + b, lo), hi);
    }
}
INL void pool_rows(const int K, const int S, const float *in, long pitch, float *out, int rows, int columns) {
    for (int v = 0; v < V; v++) for (int r = 0; r < rows; r++) for (int c = 0; c < columns; c++) {
        const float *p = in + (long)r * S * pitch + (long)c * S * CL_BLOCK + v * VL;
        vf m = AT(p);
        UNROLL for (int y = 0; y < K; y++) UNROLL for (int x = 0; x < K; x++) m = vmax(m, AT(p + y * pitch + x * CL_BLOCK));
        TO(out + ((long)r * columns + c) * CL_BLOCK + v * VL) = m;
    }
}
static void CAT(max_pool_, ISA)(int k, int s, const float *in, long pitch, float *out, int rows, int columns) {
    if (k == 3 && s == 2) return pool_rows(3, 2, in, pitch, out, rows, columns);
    if (k == 3 && s == 1) return pool_rows(3, 1, in, pitch, out, rows, columns);
    if (k == 2 && s == 2) return pool_rows(2, 2, in, pitch, out, rows, columns);
    for (int v = 0; v < V; v++) for (int r = 0; r < rows; r++) for (int c = 0; c < columns; c++) {
        const float *p = in + (long)r * s * pitch + (long)c * s * CL_BLOCK + v * VL;
        vf m = AT(p);
        for (int y = 0; y < k; y++) for (int x = 0; x < k; x++) m = vmax(m, AT(p + y * pitch + x * CL_BLOCK));
        TO(out + ((long)r * columns + c) * CL_BLOCK + v * VL) = m;
    }
}
static void CAT(mean_, ISA)(const float *in, float *out, long pixels) {
    for (int v = 0; v < V; v++) {
        vf s0 = splat(0), s1 = s0, s2 = s0, s3 = s0;
        long i = 0;
        const float *p = in + v * VL;
        for (; i + 4 <= pixels; i += 4, p += 4 * CL_BLOCK)
            s0 += AT(p), s1 += AT(p + CL_BLOCK), s2 += AT(p + 2 * CL_BLOCK), s3 += AT(p + 3 * CL_BLOCK);
        for (; i < pixels; i++, p += CL_BLOCK) s0 += AT(p);
        TO(out + v * VL) = ((s0 + s1) + (s2 + s3)) * splat(1.f / pixels);
    }
}
/* Row-major out += a * b: M rows by N vectors of columns at a time. */
INL void matmul_tile(const int M, const int N, const float *a, const float *b, float *out, int inner, int columns) {
    vf acc[4][4];
    UNROLL for (int m = 0; m < M; m++) UNROLL for (int j = 0; j < N; j++) acc[m][j] = AT(out + (long)m * columns + j * VL);
    for (int k = 0; k < inner; k++) {
        const float *row = b + (long)k * columns;
        UNROLL for (int m = 0; m < M; m++) {
            vf x = splat(a[(long)m * inner + k]);
            UNROLL for (int j = 0; j < N; j++) acc[m][j] += x * AT(row + j * VL);
        }
    }
    UNROLL for (int m = 0; m < M; m++) UNROLL for (int j = 0; j < N; j++) TO(out + (long)m * columns + j * VL) = acc[m][j];
}
static void CAT(matmul_, ISA)(const float *a, const float *b, float *out, int rows, int inner, int columns) {
    int c = 0;
    for (; c + 2 * VL <= columns; c += 2 * VL) { /* b's columns stay in the cache while a's rows go by */
        int m = 0;
        for (; m + 4 <= rows; m += 4) matmul_tile(4, 2, a + (long)m * inner, b + c, out + (long)m * columns + c, inner, columns);
        for (; m < rows; m++) matmul_tile(1, 2, a + (long)m * inner, b + c, out + (long)m * columns + c, inner, columns);
    }
    for (; c + VL <= columns; c += VL)
        for (int m = 0; m < rows; m++) matmul_tile(1, 1, a + (long)m * inner, b + c, out + (long)m * columns + c, inner, columns);
    for (; c < columns; c++)
        for (int m = 0; m < rows; m++) {
            float sum = out[(long)m * columns + c];
            for (int k = 0; k < inner; k++) sum += a[(long)m * inner + k] * b[(long)k * columns + c];
            out[(long)m * columns + c] = sum;
        }
}
#include "learn.h"
const struct cl_kernels CAT(cl_kernels_, ISA) = {NAME, PANEL, TILE_PIXELS, CAT(gemm_, ISA), CAT(depthwise_, ISA), CAT(upadd_, ISA),
    CAT(add_, ISA), CAT(clamp_, ISA), CAT(prelu_, ISA), CAT(scale_, ISA), CAT(max_pool_, ISA), CAT(mean_, ISA), CAT(matmul_, ISA), CAT(dw_forward_, ISA),
    CAT(dw_backward_, ISA), CAT(norm_forward_, ISA), CAT(norm_backward_, ISA), CAT(cut_forward_, ISA), CAT(cut_backward_, ISA),
    CAT(transpose_, ISA), CAT(add_to_, ISA)};
