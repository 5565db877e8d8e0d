/* The kernels, written once with GCC's vector extensions and compiled once an instruction set. The including file sets ISA (suffix), NAME, VB
 * (bytes of a vector) and ROWS (rows of a tile). */
#include "recurrent.h"
#include <string.h>
typedef float vf __attribute__((vector_size(VB), aligned(4), may_alias));
#define VL (VB / 4)
#define V (16 / VL) /* vectors in a block of 16 */
#define INL static inline __attribute__((always_inline))
#define CAT_(a, b) a##b
#define CAT(a, b) CAT_(a, b)
#define UNROLL _Pragma("GCC unroll 64")
#define AT(p) (*(const vf *)(p))
#define TO(p) (*(vf *)(p))
#define CHUNK 96 /* rows that go through all steps together: their state stays in the second-level cache */
INL vf splat(float x) { return x - (vf){}; }

#if defined(__aarch64__)
#include <arm_neon.h>
INL vf vmin(vf a, vf b) { return (vf)vminq_f32((float32x4_t)a, (float32x4_t)b); }
INL vf vmax(vf a, vf b) { return (vf)vmaxq_f32((float32x4_t)a, (float32x4_t)b); }
INL vf vsqrt(vf a) { return (vf)vsqrtq_f32((float32x4_t)a); }
INL vf over(vf a, vf b) { return a / b; }
#else
#include <immintrin.h>
#if VB == 64
#define MM(f) CAT(_mm512_, f)
/* 14 bits and one Newton step: 2^-27 or so, in a quarter of a division's time. */
INL vf over(vf a, vf b) {
    vf r = (vf)_mm512_rcp14_ps((__m512)b);
    return a * (r * (splat(2) - b * r));
}
#else
#if VB == 32
#define MM(f) CAT(_mm256_, f)
#else
#define MM(f) CAT(_mm_, f)
#endif
INL vf over(vf a, vf b) { return a / b; }
#endif
INL vf vmin(vf a, vf b) { return (vf)MM(min_ps)(a, b); }
INL vf vmax(vf a, vf b) { return (vf)MM(max_ps)(a, b); }
INL vf vsqrt(vf a) { return (vf)MM(sqrt_ps)(a); }
#endif

/* tanh by the rational approximation of Eigen (odd degree 13 over even degree 6): a few units in the last place between -7.9 and 7.9, 1 beyond. */
INL vf vtanh(vf x) {
    x = vmax(vmin(x, splat(7.90531110763549805f)), splat(-7.90531110763549805f));
    vf q = x * x, p = splat(-2.76076847742355e-16f);
    p = p * q + splat(2.00018790482477e-13f);
    p = p * q + splat(-8.60467152213735e-11f);
    p = p * q + splat(5.12229709037114e-08f);
    p = p * q + splat(1.48572235717979e-05f);
    p = p * q + splat(6.37261928875436e-04f);
    p = p * q + splat(4.89352455891786e-03f);
    vf d = splat(1.19825839466702e-06f);
    d = d * q + splat(1.18534705686654e-04f);
    d = d * q + splat(2.26843463243900e-03f);
    d = d * q + splat(4.89352518554385e-03f);
    return over(x * p, d);
}
INL vf vsigmoid(vf x) { return splat(.5f) * vtanh(splat(.5f) * x) + splat(.5f); }

/* acc[m][n] += a[m][i] w[i][n], m rows, n vectors of one panel `wide` floats wide. */
INL void dot(const int M, const int N, vf acc[ROWS][4], const float *a, long lda, int k, const float *w, const int wide) {
    for (int i = 0; i < k; i++, w += wide) {
        vf b[4];
        UNROLL for (int n = 0; n < N; n++) b[n] = AT(w + n * 16);
        UNROLL for (int m = 0; m < M; m++) {
            vf x = splat(a[m * lda + i]);
            UNROLL for (int n = 0; n < N; n++) acc[m][n] += x * b[n];
        }
    }
}

/* One layer as the kernels see it. */
struct layer {
    int cell, rows, in, units; /* rows of the whole batch */
    const float *x;
    long ldx;
    const float *mask;
    float *h, *c, *gates, *tanhc;
};

/* M rows from row r, 16 units from unit j*16: gates, cell, state. */
INL void forward_tile(const int M, const struct layer *l, int t, int r, int j, int v, const float *w) {
    const long at = (long)t * l->rows + r, next = at + l->rows, units = l->units, ldh = units + 16, u = j * 16 + v * VL;
    vf acc[ROWS][4];
    UNROLL for (int m = 0; m < M; m++) UNROLL for (int n = 0; n < 4; n++) acc[m][n] = splat(0);
    dot(M, 4, acc, l->x + at * l->ldx, l->ldx, l->in, w + v * VL, 64);
    dot(M, 4, acc, l->h + at * ldh, ldh, units + 1, w + (long)l->in * 64 + v * VL, 64);
    UNROLL for (int m = 0; m < M; m++) {
        float *g = l->gates + ((at + m) * units + j * 16) * 4 + v * VL;
        const float *before = l->h + (at + m) * ldh + u;
        vf h;
        if (l->cell == RNN_LSTM) {
            vf i = vsigmoid(acc[m][0]), f = vsigmoid(acc[m][1]), z = vtanh(acc[m][2]), o = vsigmoid(acc[m][3]);
            vf c = f * AT(l->c + (at + m) * units + u) + i * z, tc = vtanh(c);
            TO(g) = i, TO(g + 16) = f, TO(g + 32) = z, TO(g + 48) = o;
            TO(l->tanhc + (at + m) * units + u) = tc;
            TO(l->c + (next + m) * units + u) = c;
            h = o * tc;
        } else {
            vf reset = vsigmoid(acc[m][0]), z = vsigmoid(acc[m][1]), n = vtanh(acc[m][2] + reset * acc[m][3]);
            TO(g) = reset, TO(g + 16) = z, TO(g + 32) = n, TO(g + 48) = acc[m][3];
            h = n + z * (AT(before) - n);
        }
        TO(l->h + (next + m) * ldh + u) = h;
    }
}
/* A step that is not there keeps the state before it. */
INL void carry(const struct layer *l, int t, int r0, int r1) {
    const long units = l->units, ldh = units + 16;
    for (int r = r0; r < r1; r++) {
        const long at = (long)t * l->rows + r, next = at + l->rows;
        l->h[next * ldh + units] = 1;
        if (!l->mask || l->mask[at] != 0) continue;
        memcpy(l->h + next * ldh, l->h + at * ldh, units * sizeof(float));
        if (l->cell == RNN_LSTM) memcpy(l->c + next * units, l->c + at * units, units * sizeof(float));
    }
}
#define TILES(CASE) CASE(1) CASE(2) CASE(3) CASE(4) CASE(5) CASE(6)
#define FORWARD(M) case M: if (M <= ROWS) forward_tile(M <= ROWS ? M : 1, l, t, r, j, v, w); break;
static void forward_rows(const struct layer *l, int t, int r, int m, int j, int v, const float *w) {
    switch (m) { TILES(FORWARD) }
}
static void CAT(forward_, ISA)(int cell, int steps, int rows, int in, int units, const float *x, long ldx, const float *mask, const float *w,
                               float *h, float *c, float *gates, float *tanhc) {
    const struct layer l = {cell, rows, in, units, x, ldx, mask, h, c, gates, tanhc};
    const long panel = (long)(in + units + 1) * 64;
    for (int r0 = 0; r0 < rows; r0 += CHUNK) {
        const int r1 = r0 + CHUNK < rows ? r0 + CHUNK : rows;
        for (int t = 0; t < steps; t++) {
            for (int j = 0; j < units / 16; j++)
                for (int v = 0; v < V; v++)
                    for (int r = r0; r < r1; r += ROWS) forward_rows(&l, t, r, r1 - r < ROWS ? r1 - r : ROWS, j, v, w + j * panel);
            carry(&l, t, r0, r1);
        }
    }
}

/* out = a w (+ out, + extra), M rows of one panel. */
INL void multiply_tile(const int M, const int N, int v, int k, const float *a, long lda, const float *w, float *out, long ldo, int add,
                       const float *extra, long lde) {
    vf acc[ROWS][4];
    UNROLL for (int m = 0; m < M; m++) UNROLL for (int n = 0; n < N; n++) acc[m][n] = splat(0);
    dot(M, N, acc, a, lda, k, w + v * VL, N * 16);
    UNROLL for (int m = 0; m < M; m++) UNROLL for (int n = 0; n < N; n++) {
        float *o = out + m * ldo + n * 16 + v * VL;
        vf s = acc[m][n];
        if (add) s += AT(o);
        if (extra) s += AT(extra + m * lde + n * 16 + v * VL);
        TO(o) = s;
    }
}
#define MULTIPLY(M) case M: if (M <= ROWS) multiply_tile(M <= ROWS ? M : 1, N, v, k, a, lda, w, out, ldo, add, extra, lde); break;
#define PANEL(N_) static void multiply_##N_(int m, int v, int k, const float *a, long lda, const float *w, float *out, long ldo, int add, \
    const float *extra, long lde) { enum { N = N_ }; switch (m) { TILES(MULTIPLY) } }
PANEL(1) PANEL(2) PANEL(3) PANEL(4)
static void (*const multiplies[])(int, int, int, const float *, long, const float *, float *, long, int, const float *, long) = {
    0, multiply_1, multiply_2, multiply_3, multiply_4};
static void product(int rows, int k, int n, const float *a, long lda, const float *w, float *out, long ldo, int add, const float *extra, long lde) {
    for (int p = 0; p < n; p += 64) {
        const int blocks = n - p < 64 ? (n - p) / 16 : 4;
        for (int v = 0; v < V; v++)
            for (int r = 0; r < rows; r += ROWS)
                multiplies[blocks](rows - r < ROWS ? rows - r : ROWS, v, k, a + r * lda, lda, w + (long)p * k, out + r * ldo + p, ldo, add,
                                   extra ? extra + r * lde + p : 0, lde);
    }
}
static void CAT(multiply_, ISA)(int rows, int k, int n, const float *a, long lda, const float *w, float *out, long ldo, int add) {
    for (int r = 0; r < rows; r += CHUNK)
        product(rows - r < CHUNK ? rows - r : CHUNK, k, n, a + r * lda, lda, w, out + r * ldo, ldo, add, 0, 0);
}

/* dw[i][n] += sum over rows of a[row][i] g[row][n], M inputs of one panel. */
INL void outer_tile(const int M, const int N, int v, int rows, const float *a, long lda, const float *g, long ldg, float *dw) {
    vf acc[ROWS][4];
    UNROLL for (int m = 0; m < M; m++) UNROLL for (int n = 0; n < N; n++) acc[m][n] = AT(dw + (m * N + n) * 16 + v * VL);
    for (int r = 0; r < rows; r++, a += lda, g += ldg) {
        vf b[4];
        UNROLL for (int n = 0; n < N; n++) b[n] = AT(g + n * 16 + v * VL);
        UNROLL for (int m = 0; m < M; m++) {
            vf x = splat(a[m]);
            UNROLL for (int n = 0; n < N; n++) acc[m][n] += x * b[n];
        }
    }
    UNROLL for (int m = 0; m < M; m++) UNROLL for (int n = 0; n < N; n++) TO(dw + (m * N + n) * 16 + v * VL) = acc[m][n];
}
#define OUTER(M) case M: if (M <= ROWS) outer_tile(M <= ROWS ? M : 1, N, v, rows, a, lda, g, ldg, dw); break;
#define OUTERS(N_) static void outer_##N_(int m, int v, int rows, const float *a, long lda, const float *g, long ldg, float *dw) { \
    enum { N = N_ }; switch (m) { TILES(OUTER) } }
OUTERS(1) OUTERS(2) OUTERS(3) OUTERS(4)
static void (*const outers[])(int, int, int, const float *, long, const float *, long, float *) = {0, outer_1, outer_2, outer_3, outer_4};
/* inputs i0 up to i1 of a matrix of k inputs and n outputs */
static void gradient(int rows, int i0, int i1, int k, int n, const float *a, long lda, const float *g, long ldg, float *dw) {
    for (int p = 0; p < n; p += 64) {
        const int blocks = n - p < 64 ? (n - p) / 16 : 4;
        for (int v = 0; v < V; v++)
            for (int i = i0; i < i1; i += ROWS)
                outers[blocks](i1 - i < ROWS ? i1 - i : ROWS, v, rows, a + i - i0, lda, g + p, ldg, dw + (long)p * k + (long)i * blocks * 16);
    }
}
static void CAT(outer_, ISA)(int rows, int k, int n, const float *a, long lda, const float *g, long ldg, float *dw) {
    for (int r = 0; r < rows; r += CHUNK) gradient(rows - r < CHUNK ? rows - r : CHUNK, 0, k, k, n, a + r * lda, lda, g + r * ldg, ldg, dw);
}

/* One row of one step: gates become their gradients, dc goes one step back, dh becomes what reaches the step before past the gates. */
INL void lstm_back(const struct layer *l, long at, float *dh, float *dc) {
    const long units = l->units;
    const vf one = splat(1);
    for (long u = 0; u < units; u += VL) {
        float *g = l->gates + at * units * 4 + (u / 16) * 64 + u % 16;
        vf i = AT(g), f = AT(g + 16), z = AT(g + 32), o = AT(g + 48), tc = AT(l->tanhc + at * units + u), d = AT(dh + u);
        vf e = AT(dc + u) + d * o * (one - tc * tc);
        TO(g) = e * z * i * (one - i);
        TO(g + 16) = e * AT(l->c + at * units + u) * f * (one - f);
        TO(g + 32) = e * i * (one - z * z);
        TO(g + 48) = d * tc * o * (one - o);
        TO(dc + u) = e * f;
        TO(dh + u) = splat(0);
    }
}
INL void gru_back(const struct layer *l, long at, float *dh) {
    const long units = l->units;
    const vf one = splat(1);
    for (long u = 0; u < units; u += VL) {
        float *g = l->gates + at * units * 4 + (u / 16) * 64 + u % 16;
        vf r = AT(g), z = AT(g + 16), n = AT(g + 32), nh = AT(g + 48), d = AT(dh + u), before = AT(l->h + at * (units + 16) + u);
        vf dn = d * (one - z) * (one - n * n);
        TO(g) = dn * nh * r * (one - r);
        TO(g + 16) = d * (before - n) * z * (one - z);
        TO(g + 32) = dn;
        TO(g + 48) = dn * r;
        TO(dh + u) = d * z;
    }
}
static void CAT(backward_, ISA)(int cell, int steps, int rows, int in, int units, const float *x, long ldx, const float *mask, const float *wt,
                                const float *h, const float *c, float *gates, const float *tanhc, const float *dout, int from, float *dx,
                                long lddx, float *dw, float *dh, float *dc) {
    const struct layer l = {cell, rows, in, units, x, ldx, mask, (float *)h, (float *)c, gates, (float *)tanhc};
    const int k = in + units + 1, wide = 4 * units;
    for (int r0 = 0; r0 < rows; r0 += CHUNK) {
        const int n = r0 + CHUNK < rows ? CHUNK : rows - r0;
        float *e = dh + (long)r0 * units, *ec = dc + (long)r0 * units;
        memcpy(e, dout + ((long)(steps - 1) * rows + r0) * units, sizeof(float) * n * units);
        memset(ec, 0, sizeof(float) * n * units);
        for (int t = steps - 1; t >= 0; t--) {
            const long at = (long)t * rows + r0;
            float *g = gates + at * wide;
            for (int r = 0; r < n; r++) {
                if (mask && mask[at + r] == 0) memset(g + (long)r * wide, 0, sizeof(float) * wide);
                else if (cell == RNN_LSTM) lstm_back(&l, at + r, e + (long)r * units, ec + (long)r * units);
                else gru_back(&l, at + r, e + (long)r * units);
            }
            gradient(n, 0, in, k, wide, x + at * ldx, ldx, g, wide, dw);
            gradient(n, in, k, k, wide, h + at * (units + 16), units + 16, g, wide, dw);
            if (dx) product(n, wide, lddx, g, wide, wt + (long)wide * units, dx + at * lddx, lddx, 0, 0, 0);
            if (t > 0) product(n, wide, units, g, wide, wt, e, units, 1, t - 1 >= from ? dout + (at - rows) * units : 0, units);
        }
    }
}

static void CAT(tanh_, ISA)(long n, float *x) {
    for (long i = 0; i < n; i += VL) TO(x + i) = vtanh(AT(x + i));
}
static void CAT(adam_, ISA)(long n, float *p, float *g, float *m, float *v, float scale, float rate, float b1, float b2, float eps, float decay) {
    const vf s = splat(scale), a = splat(rate), k1 = splat(b1), k2 = splat(b2), l1 = splat(1 - b1), l2 = splat(1 - b2), e = splat(eps),
             keep = splat(1 - decay);
    for (long i = 0; i < n; i += VL) {
        vf d = s * AT(g + i), mm = k1 * AT(m + i) + l1 * d, vv = k2 * AT(v + i) + l2 * d * d;
        TO(m + i) = mm, TO(v + i) = vv, TO(g + i) = splat(0);
        TO(p + i) = keep * AT(p + i) - a * mm / (vsqrt(vv) + e);
    }
}
const struct rnn_kernels CAT(rnn_kernels_, ISA) = {NAME, CAT(forward_, ISA), CAT(backward_, ISA), CAT(multiply_, ISA), CAT(outer_, ISA),
    CAT(tanh_, ISA), CAT(adam_, ISA)};
