#include "lucas.h"

#include <math.h>
#include <string.h>

/* The window is SIDE x SIDE pixels; rows are kept LANE floats long, so that every loop over a row is two vectors of eight. */
#define HALF 6
#define SIDE (2 * HALF + 1)
#define LANE 16
#define ROUNDS 12
#define ENOUGH 0.03f /* pixels; a smaller step ends the search */
#define FLAT 0.1f    /* squared grey levels a pixel: the smaller eigenvalue of the mean gradient matrix, below which a place looks alike everywhere (OpenCV's 1e-4 in its units) */

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define FAST __attribute__((target_clones("arch=haswell", "default")))
#else
#define FAST
#endif

FAST void cl_lucas_halve(const unsigned char *restrict in, int w, int h, unsigned char *restrict out) {
    for (int y = 0; y < h / 2; y++) {
        const unsigned char *p = in + (long)2 * y * w, *q = p + w;
        unsigned char *o = out + (long)y * (w / 2);
        for (int x = 0; x < w / 2; x++) o[x] = (unsigned char)((p[2 * x] + p[2 * x + 1] + q[2 * x] + q[2 * x + 1] + 2) >> 2);
    }
}

/* Reads a window of `rows` rows of LANE pixels from (x, y) on, bilinear, into out. Beyond the border the edge goes on. */
static inline __attribute__((always_inline)) void sample(const cl_lucas_plane *im, float x, float y, int rows, float *restrict out) {
    unsigned char edge[(SIDE + 3) * (LANE + 1)];
    int x0 = (int)floorf(x), y0 = (int)floorf(y);
    float fx = x - (float)x0, fy = y - (float)y0;
    const unsigned char *p = im->pix + (long)y0 * im->w + x0;
    long pitch = im->w;
    if (x0 < 0 || y0 < 0 || x0 + LANE >= im->w || y0 + rows >= im->h) {
        for (int r = 0; r <= rows; r++) {
            int yy = y0 + r < 0 ? 0 : y0 + r >= im->h ? im->h - 1 : y0 + r;
            for (int c = 0; c <= LANE; c++) {
                int xx = x0 + c < 0 ? 0 : x0 + c >= im->w ? im->w - 1 : x0 + c;
                edge[r * (LANE + 1) + c] = im->pix[(long)yy * im->w + xx];
            }
        }
        p = edge, pitch = LANE + 1;
    }
    float a = (1 - fx) * (1 - fy), b = fx * (1 - fy), c = (1 - fx) * fy, d = fx * fy;
    for (int r = 0; r < rows; r++, p += pitch, out += LANE) {
        const unsigned char *q = p + pitch;
        for (int k = 0; k < LANE; k++) out[k] = a * p[k] + b * p[k + 1] + c * q[k] + d * q[k + 1];
    }
}

/* Windows that are one place differ by less than the window varies; noise of three to four grey levels in each is always allowed. */
#define ALIKE 1.0f
#define NOISE 25.0f

/* Finds where the window about (px, py) of a lies in b: least squares, Gauss-Newton on the displacement d, at one level.
 * 0: too flat to tell; -1: it left the picture; 1: found. alike tells whether the two windows look the same there. */
static inline __attribute__((always_inline)) int search(const cl_lucas_plane *a, const cl_lucas_plane *b, float px, float py, float *dx, float *dy, int *alike) {
    float patch[(SIDE + 3) * LANE], gx[SIDE * LANE], gy[SIDE * LANE], now[SIDE * LANE];
    if (!(px >= 0 && py >= 0 && px <= a->w - 1 && py <= a->h - 1)) return -1;
    memset(patch + (SIDE + 2) * LANE, 0, sizeof(float) * LANE);
    sample(a, px - HALF - 1, py - HALF - 1, SIDE + 2, patch);
    float xx = 0, xy = 0, yy = 0, sum = 0, squares = 0, rest = 0;
    for (int r = 0; r < SIDE; r++) {
        const float *m = patch + (r + 1) * LANE;
        for (int k = 0; k < LANE; k++) {
            float in = k < SIDE ? 0.5f : 0;
            float u = (m[k + 2] - m[k]) * in, v = (m[k + 1 + LANE] - m[k + 1 - LANE]) * in;
            gx[r * LANE + k] = u, gy[r * LANE + k] = v;
            xx += u * u, xy += u * v, yy += v * v;
            float i = 2 * in * m[k + 1];
            sum += i, squares += i * i;
        }
    }
    float det = xx * yy - xy * xy, least = (xx + yy - sqrtf((xx - yy) * (xx - yy) + 4 * xy * xy)) / 2;
    if (least < FLAT * SIDE * SIDE) return 0;
    for (int round = 0; round < ROUNDS; round++) {
        float x = px + *dx, y = py + *dy;
        if (!(x >= 0 && y >= 0 && x <= b->w - 1 && y <= b->h - 1)) return -1;
        sample(b, x - HALF, y - HALF, SIDE, now);
        float ex = 0, ey = 0;
        rest = 0;
        for (int r = 0; r < SIDE; r++) {
            const float *m = patch + (r + 1) * LANE + 1;
            for (int k = 0; k < LANE; k++) {
                float e = m[k] - now[r * LANE + k];
                rest += k < SIDE ? e * e : 0;
                ex += e * gx[r * LANE + k], ey += e * gy[r * LANE + k];
            }
        }
        float mx = (yy * ex - xy * ey) / det, my = (xx * ey - xy * ex) / det;
        *dx += mx, *dy += my;
        if (mx * mx + my * my < ENOUGH * ENOUGH) break;
    }
    const float n = SIDE * SIDE;
    *alike = rest < ALIKE * (squares - sum * sum / n) || rest < NOISE * n;
    return 1;
}

FAST void cl_lucas_follow(const cl_lucas_plane *a, const cl_lucas_plane *b, int levels, const float *points, int n, float back, float *moved, unsigned char *ok) {
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
