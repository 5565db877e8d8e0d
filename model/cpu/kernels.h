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

/* In a register: otherwise each use is a load of its own, and there are more loads than the core can do. */
#if VB == 64
#define KEEP(x) __asm__("" : "+v"(x))
#elif defined(__aarch64__)
#define KEEP(x) __asm__("" : "+w"(x))
#else
#define KEEP(x) __asm__("" : "+x"(x))
#endif

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

#if VB == 64
typedef float vh __attribute__((vector_size(32), aligned(4), may_alias)); /* half a block */
INL vh low_half(vf x) { return (vh)_mm512_castps512_ps256((__m512)x); }
#endif

/* M pixels x H half blocks of output channels. The accumulators' arrays have constant bounds: with M in them they would be VLAs in memory. With
 * 512-bit vectors an odd last half block has 256-bit accumulators (ha). */
INL void tile(const int M, const int H, const struct cl_gemm *g, const float *a, const float *w, const float *bias, const float *res,
              float *out, long out_block, long res_block, int row_end, long gap, const float *next, int lines) {
    const long lda = g->lda;
    enum { MOST = 3 * V };
    const int N = H * V / 2; /* whole vectors */
    vf acc[14][MOST];
    UNROLL for (int j = 0; j < N; j++) {
        vf b = AT(bias + j * VL);
        UNROLL for (int m = 0; m < M; m++) acc[m][j] = b;
    }
#if VB == 64
    vh ha[14];
    if (H & 1) UNROLL for (int m = 0; m < M; m++) ha[m] = *(const vh *)(bias + N * VL);
#endif
    for (int s = 0; s < g->nseg; s++) {
        const float *as = a + g->off[s];
        const int kn = s < g->full ? g->kseg : g->klast;
        for (int k = 0; k < kn; k++, w += H * CL_HALF, as++) {
            vf b[MOST];
            UNROLL for (int j = 0; j < N; j++) b[j] = AT(w + j * VL);
#if VB == 64
            vh hb;
            if (H & 1) hb = *(const vh *)(w + N * VL);
#endif
            UNROLL for (int m = 0; m < M; m++) {
                vf x = splat(as[m * lda]);
                UNROLL for (int j = 0; j < N; j++) acc[m][j] += x * b[j];
#if VB == 64
                if (H & 1) ha[m] += low_half(x) * hb;
#endif
            }
        }
        for (int i = 0; i < lines; i++, next += 16) __builtin_prefetch(next, 0, 2);
    }
    vf lo = splat(g->lo), hi = splat(g->hi);
    UNROLL for (int m = 0; m < M; m++) {
        float *o = out + m * CL_BLOCK + (m >= row_end ? gap : 0);
        const float *r = res + m * CL_BLOCK;
        UNROLL for (int j = 0; j < N; j++) {
            const long c = j / V, i = (j % V) * VL;
            vf v = acc[m][j];
            if (res) v += AT(r + c * res_block + i);
            TO(o + c * out_block + i) = vmin(vmax(v, lo), hi);
        }
        if (!(H & 1)) continue;
#if VB == 64
        vh v = ha[m];
        if (res) v += *(const vh *)(r + N * res_block);
        v = (vh)_mm256_min_ps(_mm256_max_ps((__m256)v, (__m256)low_half(lo)), (__m256)low_half(hi));
        TO(o + N * out_block) = (vf)_mm512_zextps256_ps512((__m256)v);
#else
        UNROLL for (int j = N; j < N + V / 2; j++) TO(o + j / V * out_block + (j % V) * VL) = splat(0);
#endif
    }
}
typedef void (*tile_fn)(const struct cl_gemm *, const float *, const float *, const float *, const float *, float *, long, long, int, long,
                        const float *, int);
#define TILE(M, H) static void tile_##M##_##H(const struct cl_gemm *g, const float *a, const float *w, const float *bias, \
    const float *res, float *out, long ob, long rb, int row_end, long gap, const float *next, int lines) { \
    tile(M, H, g, a, w, bias, res, out, ob, rb, row_end, gap, next, lines); }
#define TO4(X, H) X(1, H) X(2, H) X(3, H) X(4, H)
#define TO6(X, H) TO4(X, H) X(5, H) X(6, H)
#define TO9(X, H) TO6(X, H) X(7, H) X(8, H) X(9, H)
#define TO12(X, H) TO9(X, H) X(10, H) X(11, H) X(12, H)
#define TO14(X, H) TO12(X, H) X(13, H) X(14, H)
#define REF(M, H) tile_##M##_##H,
#if VB == 64 /* 32 registers: 14 x 1, 14 x 2 and 9 x 3 accumulators */
TO14(TILE, 1) TO14(TILE, 2) TO14(TILE, 3) TO14(TILE, 4) TO9(TILE, 5) TO9(TILE, 6)
static const tile_fn tiles1[] = {0, TO14(REF, 1)}, tiles2[] = {0, TO14(REF, 2)}, tiles3[] = {0, TO14(REF, 3)}, tiles4[] = {0, TO14(REF, 4)},
                     tiles5[] = {0, TO9(REF, 5)}, tiles6[] = {0, TO9(REF, 6)};
#define TILE_PIXELS 9
static const int most[] = {0, 14, 14, 14, 14, 9, 9};
static const tile_fn *tiles[] = {0, tiles1, tiles2, tiles3, tiles4, tiles5, tiles6};
#elif VB == 16 && !defined(__aarch64__) /* 16 registers of four floats: 2 x 4 and 4 x 2 */
TO4(TILE, 1) TILE(1, 2) TILE(2, 2)
static const tile_fn tiles1[] = {0, TO4(REF, 1)}, tiles2[] = {0, tile_1_2, tile_2_2};
#define TILE_PIXELS 2
static const int most[] = {0, 4, 2};
static const tile_fn *tiles[] = {0, tiles1, tiles2};
#else
TO12(TILE, 1) TO6(TILE, 2)
static const tile_fn tiles1[] = {0, TO12(REF, 1)}, tiles2[] = {0, TO6(REF, 2)};
#define TILE_PIXELS 6
static const int most[] = {0, 12, 6};
static const tile_fn *tiles[] = {0, tiles1, tiles2};
#endif

/* One panel over `pixels` pixels, cut into tiles of nearly equal size, `tall` pixels at most. The pixels may be rows of `wide` that the output keeps
 * `gap` floats apart (a padded strip), so that tiles need not end with a row. While a panel is used, the next one is drawn nearer, tile by tile. */
INL void panel(const struct cl_gemm *g, int halves, int tall, const float *a, const float *w, const float *bias, const float *res, float *out,
               long out_block, long res_block, int pixels, int wide, long gap) {
    int n = (pixels + tall - 1) / tall, lines = (CL_HALF * halves + n - 1) / n;
    const float *next = w + ((long)g->full * g->kseg + (long)(g->nseg - g->full) * g->klast) * halves * CL_HALF;
    for (int t = 0, p = 0; t < n; t++) {
        int m = (pixels - p + n - t - 1) / (n - t), row = p / wide;
        if (tall > wide && p + m > (row + 2) * wide) m = (row + 2) * wide - p; /* a tile crosses one row end at most */
        tiles[halves][m](g, a + p * g->lda, w, bias, res ? res + (long)p * CL_BLOCK : 0, out + (long)p * CL_BLOCK + row * gap, out_block, res_block,
                         (row + 1) * wide - p, gap, next + (long)t * lines * g->nseg * 16, lines);
        p += m;
        if (t == n - 1 && p < pixels) n++;
    }
}
static void CAT(gemm_, ISA)(const struct cl_gemm *g, int halves, const float *a, const float *w, const float *bias, const float *res, float *out,
                            long out_block, long res_block, int pixels, int wide, long gap) {
    panel(g, halves, most[halves], a, w, bias, res, out, out_block, res_block, pixels, wide, gap);
}

/* Depthwise on a padded strip of one block. T outputs side by side: every input is read once and goes to all outputs that want it. */
INL void dw_tile(const int KH, const int KW, const int S, const int T, const float *p, long pitch, const float *w, vf bias, float *out,
                 vf lo, vf hi) {
    vf acc[7];
    UNROLL for (int t = 0; t < T; t++) acc[t] = bias;
    UNROLL for (int y = 0; y < KH; y++) {
        vf k[5];
        UNROLL for (int x = 0; x < KW; x++) k[x] = AT(w + (y * KW + x) * CL_BLOCK);
        UNROLL for (int i = 0; i < (T - 1) * S + KW; i++) {
            vf in = AT(p + y * pitch + i * CL_BLOCK);
            KEEP(in);
            UNROLL for (int t = 0; t < T; t++) if (i >= t * S && i < t * S + KW) acc[t] += k[i - t * S] * in;
        }
    }
    UNROLL for (int t = 0; t < T; t++) TO(out + t * CL_BLOCK) = vmin(vmax(acc[t], lo), hi);
}
/* In columns of some tiles: the rows that lie above one another stay in the first-level cache. */
INL void dw_rows(const int KH, const int KW, const int S, const float *p, long pitch, const float *w, const float *bias, float *out,
                 int rows, int columns, float low, float high) {
    enum { T = 7, TOGETHER = 28 };
    vf lo = splat(low), hi = splat(high);
    for (int x0 = 0, x1; x0 < columns; x0 = x1) {
        x1 = columns - x0 < 2 * TOGETHER ? columns : x0 + TOGETHER;
        for (int r = 0; r < rows; r++) for (int v = 0; v < V; v++) {
            const float *q = p + (long)r * S * pitch + v * VL, *k = w + v * VL;
            float *o = out + (long)r * columns * CL_BLOCK + v * VL;
            vf b = AT(bias + v * VL);
            for (int x = x0, n = (x1 - x0 + T - 1) / T; n; n--) { /* tiles of nearly equal size */
                int t = (x1 - x + n - 1) / n;
                switch (t) {
#define DW(T) case T: dw_tile(KH, KW, S, T, q + x * S * CL_BLOCK, pitch, k, b, o + x * CL_BLOCK, lo, hi); break;
                    DW(1) DW(2) DW(3) DW(4) DW(5) DW(6) DW(7)
#undef DW
                }
                x += t;
            }
        }
    }
}
/* Any kernel and stride, output by output. */
static void CAT(dw_any_, ISA)(int kh, int kw, int s, const float *p, long pitch, const float *w, const float *bias, float *out, int rows,
                              int columns, float low, float high) {
    vf lo = splat(low), hi = splat(high);
    for (int v = 0; v < V; v++) for (int r = 0; r < rows; r++) for (int c = 0; c < columns; c++) {
        const float *q = p + (long)r * s * pitch + (long)c * s * CL_BLOCK + v * VL, *k = w + v * VL;
        vf acc = AT(bias + v * VL);
        for (int y = 0; y < kh; y++) for (int x = 0; x < kw; x++, k += CL_BLOCK) acc += AT(k) * AT(q + y * pitch + x * CL_BLOCK);
        TO(out + ((long)r * columns + c) * CL_BLOCK + v * VL) = vmin(vmax(acc, lo), hi);
    }
}
static void CAT(depthwise_, ISA)(int kh, int kw, int s, const float *p, long pitch, const float *w, const float *bias, float *out, int rows,
                                 int columns, float lo, float hi) {
    if (kh == 3 && kw == 3 && s == 1) dw_rows(3, 3, 1, p, pitch, w, bias, out, rows, columns, lo, hi);
    else if (kh == 3 && kw == 3 && s == 2) dw_rows(3, 3, 2, p, pitch, w, bias, out, rows, columns, lo, hi);
    else if (kh == 5 && kw == 5 && s == 1) dw_rows(5, 5, 1, p, pitch, w, bias, out, rows, columns, lo, hi);
    else if (kh == 5 && kw == 5 && s == 2) dw_rows(5, 5, 2, p, pitch, w, bias, out, rows, columns, lo, hi);
    else CAT(dw_any_, ISA)(kh, kw, s, p, pitch, w, bias, out, rows, columns, lo, hi);
}

/* The two halves of one step of a transposition: of x and y, whose lanes are 2d apart in what is being transposed, what goes to x and to y. */
typedef int vi __attribute__((vector_size(VB)));
#define FIRST(x, y, d) CAT(first_, d)(x, y)
#define SECOND(x, y, d) CAT(second_, d)(x, y)
#define STEP(d, A, B) \
    INL vf first_##d(vf x, vf y) { return __builtin_shuffle(x, y, (vi)A); } \
    INL vf second_##d(vf x, vf y) { return __builtin_shuffle(x, y, (vi)B); }
#define LIST(...) {__VA_ARGS__}
#if VL == 16
STEP(1, LIST(0, 16, 2, 18, 4, 20, 6, 22, 8, 24, 10, 26, 12, 28, 14, 30), LIST(1, 17, 3, 19, 5, 21, 7, 23, 9, 25, 11, 27, 13, 29, 15, 31))
STEP(2, LIST(0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29), LIST(2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31))
STEP(4, LIST(0, 1, 2, 3, 16, 17, 18, 19, 8, 9, 10, 11, 24, 25, 26, 27), LIST(4, 5, 6, 7, 20, 21, 22, 23, 12, 13, 14, 15, 28, 29, 30, 31))
STEP(8, LIST(0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23), LIST(8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31))
#elif VL == 8
STEP(1, LIST(0, 8, 2, 10, 4, 12, 6, 14), LIST(1, 9, 3, 11, 5, 13, 7, 15))
STEP(2, LIST(0, 1, 8, 9, 4, 5, 12, 13), LIST(2, 3, 10, 11, 6, 7, 14, 15))
STEP(4, LIST(0, 1, 2, 3, 8, 9, 10, 11), LIST(4, 5, 6, 7, 12, 13, 14, 15))
#else
STEP(1, LIST(0, 4, 2, 6), LIST(1, 5, 3, 7))
STEP(2, LIST(0, 1, 4, 5), LIST(2, 3, 6, 7))
#endif
#define TRANSPOSE_BY(d) UNROLL for (int i = 0; i < VL; i++) if (!(i & d)) { \
        vf x = t[i], y = t[i + d]; \
        t[i] = first_##d(x, y); \
        t[i + d] = second_##d(x, y); \
    }
#define SUM_BY(d) UNROLL for (int i = 0; i < VL / 2 / d; i++) t[i] = first_##d(t[2 * i], t[2 * i + 1]) + second_##d(t[2 * i], t[2 * i + 1]);

static void CAT(planes_, ISA)(const float *in, float *out, long plane, int channels, long pixels) {
    long p = 0;
    for (; p + VL <= pixels; p += VL) for (int v = 0; v * VL < channels; v++) {
        vf t[VL];
        UNROLL for (int i = 0; i < VL; i++) t[i] = AT(in + (p + i) * CL_BLOCK + v * VL);
        TRANSPOSE_BY(1)
        TRANSPOSE_BY(2)
#if VL > 4
        TRANSPOSE_BY(4)
#endif
#if VL > 8
        TRANSPOSE_BY(8)
#endif
        UNROLL for (int i = 0; i < VL; i++) if (v * VL + i < channels) TO(out + (v * VL + i) * plane + p) = t[i];
    }
    for (; p < pixels; p++) for (int c = 0; c < channels; c++) out[c * plane + p] = in[p * CL_BLOCK + c];
}
INL vf dot_of(const float *in, long in_block, int blocks, const float *w) { /* lanes still to be added up */
    vf sum = splat(0);
    for (int b = 0; b < blocks; b++, in += in_block, w += CL_BLOCK)
        UNROLL for (int v = 0; v < V; v++) sum += AT(in + v * VL) * AT(w + v * VL);
    return sum;
}
static void CAT(dot_, ISA)(const float *in, long in_block, int blocks, const float *w, float bias, float *out, long pixels, float low, float high) {
    vf lo = splat(low), hi = splat(high);
    for (long p = 0; p < pixels; p += VL) {
        vf t[VL];
        const int n = pixels - p < VL ? (int)(pixels - p) : VL;
        if (n == VL) {
            UNROLL for (int i = 0; i < VL; i++) t[i] = splat(0);
            for (int b = 0; b < blocks; b++) UNROLL for (int v = 0; v < V; v++) {
                vf k = AT(w + b * CL_BLOCK + v * VL);
                UNROLL for (int i = 0; i < VL; i++) t[i] += AT(in + b * in_block + (p + i) * CL_BLOCK + v * VL) * k;
            }
        } else
            for (int i = 0; i < VL; i++) t[i] = i < n ? dot_of(in + (p + i) * CL_BLOCK, in_block, blocks, w) : splat(0);
        SUM_BY(1)
        SUM_BY(2)
#if VL > 4
        SUM_BY(4)
#endif
#if VL > 8
        SUM_BY(8)
#endif
        vf r = vmin(vmax(t[0] + splat(bias), lo), hi);
        if (n == VL) TO(out + p) = r;
        else for (int i = 0; i < n; i++) out[p + i] = r[i];
    }
}
/* 1 / (1 + e^-x). e^y is 2^k times a polynomial of what is left, |r| <= ln 2 / 2 (coefficients of Cephes' expf, 1.2e-7 relative). */
INL vf sigmoid_of(vf x) {
    vf y = vmin(vmax(splat(0) - x, splat(-87)), splat(87));
    vi k = __builtin_convertvector(y * splat(1.44269504f) + splat(127.5f), vi) - 127; /* rounded: the sum is positive */
    vf f = __builtin_convertvector(k, vf), r = y - f * splat(.693359375f) + f * splat(2.12194440e-4f);
    vf e = splat(1.9875691500e-4f);
    e = e * r + splat(1.3981999507e-3f);
    e = e * r + splat(8.3334519073e-3f);
    e = e * r + splat(4.1665795894e-2f);
    e = e * r + splat(1.6666665459e-1f);
    e = e * r + splat(.5f);
    e = e * r * r + r + splat(1);
    return splat(1) / (splat(1) + e * (vf)((k + 127) << 23));
}
static void CAT(sigmoid_, ISA)(const float *in, float *out, long n) {
    long i = 0;
    for (; i + VL <= n; i += VL) TO(out + i) = sigmoid_of(AT(in + i));
    for (; i < n; i++) out[i] = sigmoid_of(splat(in[i]))[0];
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
static void CAT(scale_rows_, ISA)(const float *in, float *out, long out_pitch, int floats, int rows, float factor, float shift) {
    const vf k = splat(factor), b = splat(shift);
    for (int r = 0; r < rows; r++, in += floats, out += out_pitch) {
        int x = 0;
        for (; x + VL <= floats; x += VL) TO(out + x) = AT(in + x) * k + b;
        if (x < floats && floats >= VL) TO(out + floats - VL) = AT(in + floats - VL) * k + b; /* some once more */
        else for (; x < floats; x++) out[x] = in[x] * factor + shift;
    }
}
static void CAT(copy_rows_, ISA)(const float *in, long in_pitch, float *out, long out_pitch, int floats, int rows) {
    for (int r = 0; r < rows; r++, in += in_pitch, out += out_pitch)
        for (int i = 0; i < floats; i += VL) TO(out + i) = AT(in + i);
}
static void CAT(mirror_, ISA)(const float *in, long in_block, int halves, float *out, long out_block, long pixels, float low, float high) {
    for (int h = 0; h < 2 * halves; h++) {
        const float *s = in + h % halves / 2 * in_block + h % halves % 2 * CL_HALF;
        float *d = out + h / 2 * out_block + h % 2 * CL_HALF;
#if VB == 64
        const vh sign = low_half(splat(h < halves ? 1 : -1)), lo = low_half(splat(low)), hi = low_half(splat(high));
        for (long p = 0; p < pixels; p++, s += CL_BLOCK, d += CL_BLOCK)
            *(vh *)d = (vh)_mm256_min_ps(_mm256_max_ps((__m256)(*(const vh *)s * sign), (__m256)lo), (__m256)hi);
#else
        const vf sign = splat(h < halves ? 1 : -1), lo = splat(low), hi = splat(high);
        for (long p = 0; p < pixels; p++, s += CL_BLOCK, d += CL_BLOCK)
            for (int v = 0; v < CL_HALF; v += VL) TO(d + v) = vmin(vmax(AT(s + v) * sign, lo), hi);
#endif
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
INL void matmul_tile(const int M, const int N, const float *a, long lda, const float *b, long ldb, float *out, int inner, int columns) {
    vf acc[8][2];
    UNROLL for (int m = 0; m < M; m++) UNROLL for (int j = 0; j < N; j++) acc[m][j] = AT(out + (long)m * columns + j * VL);
    for (int k = 0; k < inner; k++) {
        const float *row = b + k * ldb;
        UNROLL for (int m = 0; m < M; m++) {
            vf x = splat(a[m * lda + k]);
            UNROLL for (int j = 0; j < N; j++) acc[m][j] += x * AT(row + j * VL);
        }
    }
    UNROLL for (int m = 0; m < M; m++) UNROLL for (int j = 0; j < N; j++) TO(out + (long)m * columns + j * VL) = acc[m][j];
}
/* All rows of a times two vectors of b's columns. */
INL void matmul_columns(const float *a, long lda, const float *b, long ldb, float *out, int rows, int inner, int columns) {
    int m = 0;
#if VB == 64 /* registers for 8 x 2 */
    for (; m + 8 <= rows; m += 8) matmul_tile(8, 2, a + m * lda, lda, b, ldb, out + (long)m * columns, inner, columns);
#endif
    for (; m + 4 <= rows; m += 4) matmul_tile(4, 2, a + m * lda, lda, b, ldb, out + (long)m * columns, inner, columns);
    for (; m < rows; m++) matmul_tile(1, 2, a + m * lda, lda, b, ldb, out + (long)m * columns, inner, columns);
}
#define MATMUL_ROWS 16   /* of a, from which on b's columns are copied together: walked through at their own distance they miss the cache at each step */
#define MATMUL_INNER 128 /* rows of b that are copied: they stay in the first-level cache while a's rows go by */
static void CAT(matmul_, ISA)(const float *a, const float *b, float *out, int rows, int inner, int columns) {
    float together[MATMUL_INNER * 2 * VL];
    int c = 0;
    for (; c + 2 * VL <= columns; c += 2 * VL) {
        if (rows < MATMUL_ROWS) {
            matmul_columns(a, inner, b + c, columns, out + c, rows, inner, columns);
            continue;
        }
        for (int k = 0; k < inner; k += MATMUL_INNER) { /* sums go on where they were left: in the same order as in one go */
            int n = inner - k < MATMUL_INNER ? inner - k : MATMUL_INNER;
            const float *from = b + (long)k * columns + c, *ahead = k + n < inner ? from + (long)n * columns : b + c + 2 * VL; /* what is copied next */
            for (int i = 0; i < n; i++, from += columns, ahead += columns)
                UNROLL for (int j = 0; j < 2; j++) {
                    TO(together + (i * 2 + j) * VL) = AT(from + j * VL);
                    __builtin_prefetch(ahead + j * VL, 0, 2);
                }
            matmul_columns(a + k, inner, together, 2 * VL, out + c, rows, n, columns);
        }
    }
    for (; c + VL <= columns; c += VL)
        for (int m = 0; m < rows; m++) matmul_tile(1, 1, a + (long)m * inner, inner, b + c, columns, out + (long)m * columns + c, inner, columns);
    const int rest = columns - c;
    if (rows < 4) { /* not worth copying b for */
        for (int m = 0; m < rows; m++)
            for (int j = c; j < columns; j++)
                for (int k = 0; k < inner; k++) out[(long)m * columns + j] += a[(long)m * inner + k] * b[(long)k * columns + j];
        return;
    }
    for (int k = 0; rest && k < inner; k += MATMUL_INNER) { /* less than a vector: in vectors of their own, filled up with zeros */
        int n = inner - k < MATMUL_INNER ? inner - k : MATMUL_INNER;
        for (int i = 0; i < n; i++)
            for (int j = 0; j < VL; j++) together[i * VL + j] = j < rest ? b[(long)(k + i) * columns + c + j] : 0;
        for (int m = 0; m < rows; m += 4) {
            float part[4 * VL] = {0}, *to = out + (long)m * columns + c;
            const int some = rows - m < 4 ? rows - m : 4;
            for (int i = 0; i < some; i++) for (int j = 0; j < rest; j++) part[i * VL + j] = to[(long)i * columns + j];
            if (some == 4) matmul_tile(4, 1, a + (long)m * inner + k, inner, together, VL, part, n, VL);
            else for (int i = 0; i < some; i++) matmul_tile(1, 1, a + (long)(m + i) * inner + k, inner, together, VL, part + i * VL, n, VL);
            for (int i = 0; i < some; i++) for (int j = 0; j < rest; j++) to[(long)i * columns + j] = part[i * VL + j];
        }
    }
}
/* The same with b in panels of two vectors of columns, [panel][inner][2 VL], the last one filled up with zeros: read from begin to end once. */
static void CAT(matmul_packed_, ISA)(const float *a, const float *b, float *out, int rows, int inner, int columns) {
    for (int c = 0; c < columns; c += 2 * VL, b += (long)inner * 2 * VL) {
        const int wide = columns - c < 2 * VL ? columns - c : 2 * VL;
        for (int k = 0; wide == 2 * VL && k < inner; k += MATMUL_INNER)
            matmul_columns(a + k, inner, b + (long)k * 2 * VL, 2 * VL, out + c, rows, inner - k < MATMUL_INNER ? inner - k : MATMUL_INNER, columns);
        for (int m = 0; wide < 2 * VL && m < rows; m += 8) { /* through results of their own, as wide as the panel */
            const int some = rows - m < 8 ? rows - m : 8;
            float part[8 * 2 * VL] = {0}, *to = out + (long)m * columns + c;
            for (int i = 0; i < some; i++) for (int j = 0; j < wide; j++) part[i * 2 * VL + j] = to[(long)i * columns + j];
            matmul_columns(a + (long)m * inner, inner, b, 2 * VL, part, some, inner, 2 * VL);
            for (int i = 0; i < some; i++) for (int j = 0; j < wide; j++) to[(long)i * columns + j] = part[i * 2 * VL + j];
        }
    }
}
#include "learn.h"
#define KERNELS(name, pixels, gemm) {name, PANEL, pixels, 2 * VL, gemm, CAT(depthwise_, ISA), CAT(upadd_, ISA), \
    CAT(add_, ISA), CAT(clamp_, ISA), CAT(prelu_, ISA), CAT(scale_, ISA), CAT(max_pool_, ISA), CAT(mean_, ISA), CAT(matmul_, ISA), CAT(matmul_packed_, ISA), CAT(dot_, ISA), \
    CAT(planes_, ISA), CAT(sigmoid_, ISA), CAT(mirror_, ISA), CAT(scale_rows_, ISA), CAT(copy_rows_, ISA), CAT(dw_forward_, ISA), CAT(dw_backward_, ISA), CAT(norm_forward_, ISA), \
    CAT(norm_backward_, ISA), CAT(cut_forward_, ISA), CAT(cut_backward_, ISA), CAT(transpose_, ISA), CAT(add_to_, ISA)}
const struct cl_kernels CAT(cl_kernels_, ISA) = KERNELS(NAME, TILE_PIXELS, CAT(gemm_, ISA));
