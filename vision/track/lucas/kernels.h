/* The kernels, compiled once for each instruction set: EACH(name) is the name there. Vectors of eight are two of four where the set has no wider ones. */
#include "lucas.h"

#include <math.h>
#if defined(__AVX2__)
#include <immintrin.h>
#endif

/* The window is SIDE x SIDE pixels; rows are kept LANE floats long: WIDE vectors of eight. */
#define HALF 6
#define SIDE (2 * HALF + 1)
#define LANE 16
#define ROUNDS 12
#define ENOUGH 0.03f /* pixels; a smaller step ends the search */
#define FLAT 0.1f    /* squared grey levels a pixel: the smaller eigenvalue of the mean gradient matrix, below which a place looks alike everywhere (OpenCV's 1e-4 in its units) */

void EACH(cl_lucas_halve)(const unsigned char *restrict in, int w, int h, unsigned char *restrict out) {
    for (int y = 0; y < h / 2; y++) {
        const unsigned char *p = in + (long)2 * y * w, *q = p + w;
        unsigned char *o = out + (long)y * (w / 2);
        for (int x = 0; x < w / 2; x++) o[x] = (unsigned char)((p[2 * x] + p[2 * x + 1] + q[2 * x] + q[2 * x + 1] + 2) >> 2);
    }
}

typedef float eight __attribute__((vector_size(32), aligned(4), may_alias));
typedef unsigned char bytes __attribute__((vector_size(8), aligned(1), may_alias));
#define WIDE (LANE / 8) /* vectors a row */
#define INLINE static inline __attribute__((always_inline))

#if defined(__AVX2__)
INLINE eight pixels(const unsigned char *p) { return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i_u *)p))); }
#else
INLINE eight pixels(const unsigned char *p) { return __builtin_convertvector(*(const bytes *)p, eight); }
#endif

/* Where a window lies: its pixels, and the shares of the four about each place. */
typedef struct {
    const unsigned char *p;
    long pitch;
    float fx, fy;
} place;
typedef unsigned char border[(SIDE + 3) * (LANE + 1)];

/* A window of `rows` rows of LANE pixels from (x, y) on; a row and a pixel more are read. Beyond the picture its edge goes on, in `edge`. */
INLINE place at(const cl_lucas_plane *im, float x, float y, int rows, border edge) {
    int x0 = (int)floorf(x), y0 = (int)floorf(y);
    place w = {im->pix + (long)y0 * im->w + x0, im->w, x - (float)x0, y - (float)y0};
    if (x0 < 0 || y0 < 0 || x0 + LANE >= im->w || y0 + rows >= im->h) {
        for (int r = 0; r <= rows; r++) {
            int yy = y0 + r < 0 ? 0 : y0 + r >= im->h ? im->h - 1 : y0 + r;
            for (int c = 0; c <= LANE; c++) {
                int xx = x0 + c < 0 ? 0 : x0 + c >= im->w ? im->w - 1 : x0 + c;
                edge[r * (LANE + 1) + c] = im->pix[(long)yy * im->w + xx];
            }
        }
        w.p = edge, w.pitch = LANE + 1;
    }
    return w;
}
/* Half of a bilinear row: the r-th, along x. */
INLINE eight along(const place *w, int r, int k) {
    const unsigned char *p = w->p + r * w->pitch + 8 * k;
    eight left = pixels(p), right = pixels(p + 1);
    return left + w->fx * (right - left);
}

/* Windows that are one place differ by less than the window varies; noise of three to four grey levels in each is always allowed. */
#define ALIKE 1.0f
#define NOISE 25.0f

INLINE float total(eight v) { return ((v[0] + v[4]) + (v[2] + v[6])) + ((v[1] + v[5]) + (v[3] + v[7])); }

/* Finds where the window about (px, py) of a lies in b: least squares, Gauss-Newton on the displacement d, at one level.
 * 0: too flat to tell; -1: it left the picture; 1: found. alike tells whether the two windows look the same there. */
INLINE int search(const cl_lucas_plane *a, const cl_lucas_plane *b, float px, float py, float *dx, float *dy, int *alike) {
    border edge;
    float patch[(SIDE + 2) * LANE + 8]; /* the window and one place more on each side; what is read beyond counts for nothing */
    eight gx[SIDE][WIDE], gy[SIDE][WIDE];
    const eight none = {0}, in[WIDE] = {none + 1, {1, 1, 1, 1, 1}}; /* of a row's LANE places the SIDE that count */
    if (!(px >= 0 && py >= 0 && px <= a->w - 1 && py <= a->h - 1)) return -1;
    place w = at(a, px - HALF - 1, py - HALF - 1, SIDE + 2, edge);
    for (int k = 0; k < WIDE; k++) {
        eight above = along(&w, 0, k);
        for (int r = 0; r < SIDE + 2; r++) {
            eight below = along(&w, r + 1, k);
            *(eight *)(patch + r * LANE + 8 * k) = above + w.fy * (below - above);
            above = below;
        }
    }
    *(eight *)(patch + (SIDE + 2) * LANE) = none;
    eight vxx = none, vxy = none, vyy = none, vsum = none, vsquares = none, vrest = none;
    for (int r = 0; r < SIDE; r++)
        for (int k = 0; k < WIDE; k++) {
            const float *m = patch + (r + 1) * LANE + 8 * k;
            eight u = (*(const eight *)(m + 2) - *(const eight *)m) * in[k] * 0.5f, v = (*(const eight *)(m + 1 + LANE) - *(const eight *)(m + 1 - LANE)) * in[k] * 0.5f;
            eight i = *(const eight *)(m + 1) * in[k];
            gx[r][k] = u, gy[r][k] = v;
            vxx += u * u, vxy += u * v, vyy += v * v, vsum += i, vsquares += i * i;
        }
    float xx = total(vxx), xy = total(vxy), yy = total(vyy);
    float det = xx * yy - xy * xy, least = (xx + yy - sqrtf((xx - yy) * (xx - yy) + 4 * xy * xy)) / 2;
    if (least < FLAT * SIDE * SIDE) return 0;
    for (int round = 0; round < ROUNDS; round++) {
        float x = px + *dx, y = py + *dy;
        if (!(x >= 0 && y >= 0 && x <= b->w - 1 && y <= b->h - 1)) return -1;
        w = at(b, x - HALF, y - HALF, SIDE, edge);
        eight ex = none, ey = none;
        vrest = none;
        for (int k = 0; k < WIDE; k++) {
            eight above = along(&w, 0, k);
            for (int r = 0; r < SIDE; r++) {
                eight below = along(&w, r + 1, k);
                eight e = (*(const eight *)(patch + (r + 1) * LANE + 8 * k + 1) - (above + w.fy * (below - above)));
                above = below;
                vrest += e * e * in[k], ex += e * gx[r][k], ey += e * gy[r][k];
            }
        }
        float sx = total(ex), sy = total(ey);
        float mx = (yy * sx - xy * sy) / det, my = (xx * sy - xy * sx) / det;
        *dx += mx, *dy += my;
        if (mx * mx + my * my < ENOUGH * ENOUGH) break;
    }
    const float n = SIDE * SIDE, sum = total(vsum), squares = total(vsquares), rest = total(vrest);
    *alike = rest < ALIKE * (squares - sum * sum / n) || rest < NOISE * n;
    return 1;
}

void EACH(cl_lucas_follow)(const cl_lucas_plane *a, const cl_lucas_plane *b, int levels, const float *points, int n, float back, float *moved, unsigned char *ok) {
    for (int i = 0; i < n; i++) {
        float px = points[2 * i], py = points[2 * i + 1], dx = 0, dy = 0;
        int found = 0, alike = 0, again = 0;
        for (int l = levels - 1; l >= 0; l--) {
            float s = 1.0f / (float)(1 << l);
            dx *= 2, dy *= 2;
            if (l == levels - 1) dx = 0, dy = 0;
            /* The middle of the coarse pixel that a fine one lies in is half a pixel aside. */
            found = search(&a[l], &b[l], (px + 0.5f) * s - 0.5f, (py + 0.5f) * s - 0.5f, &dx, &dy, &alike);
            if (found < 0) break;
        }
        moved[2 * i] = px, moved[2 * i + 1] = py, ok[i] = 0;
        if (found <= 0 || !alike) continue;
        moved[2 * i] = px + dx, moved[2 * i + 1] = py + dy;
        /* The way back begins at its expected end, at the finest level: a window that shows something else walks away from there. */
        float bx = -dx, by = -dy;
        if (search(&b[0], &a[0], px + dx, py + dy, &bx, &by, &again) > 0) ok[i] = fabsf(dx + bx) < back && fabsf(dy + by) < back;
    }
}
