/* Resizing: along x row by row as source rows are wanted, then along y. The sums are those of a plain loop over the taps, in its order, and nothing is fused
 * (-std=c11): the input, and with it what a net finds, does not depend on the machine. */
#include "resize.h"

typedef float four __attribute__((vector_size(16), aligned(4), may_alias));

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define FAST __attribute__((target_clones("arch=x86-64-v3", "default")))
#else
#define FAST
#endif

FAST static void widen(const unsigned char *restrict in, int n, float *restrict out) {
    for (int i = 0; i < n; i++) out[i] = in[i];
}

/* One source row along x, into three planes of columns.n. A pixel's three channels are added up at once, with what comes next. */
static void along(const float *line, const cl_axis *columns, int x0, int x1, float *out) {
    float *red = out, *green = out + columns->n, *blue = green + columns->n;
    for (int x = x0; x < x1; x++) {
        const float *w = columns->weights + (long)x * columns->most, *from = line + 3 * columns->places[2 * x];
        four sum = w[0] * *(const four *)from;
        for (int k = 1; k < columns->places[2 * x + 1]; k++) sum += w[k] * *(const four *)(from + 3 * k);
        red[x] = sum[0], green[x] = sum[1], blue[x] = sum[2];
    }
}

/* The four weights of a picture that grows. */
FAST static void cubic(const float *restrict a, const float *restrict b, const float *restrict c, const float *restrict d, const float *w, int n, float gain, float bias,
                       float *restrict out) {
    const float w0 = w[0], w1 = w[1], w2 = w[2], w3 = w[3];
    for (int i = 0; i < n; i++) {
        float v = w0 * a[i] + w1 * b[i] + w2 * c[i] + w3 * d[i];
        v = v < 0 ? 0 : v > 255 ? 255 : v;
        out[i] = v * gain + bias;
    }
}

FAST static void add(const float *restrict in, float w, int n, float *restrict out) {
    for (int i = 0; i < n; i++) out[i] += w * in[i];
}

FAST static void finish(int n, float gain, float bias, float *restrict out) {
    for (int i = 0; i < n; i++) {
        float v = out[i];
        v = v < 0 ? 0 : v > 255 ? 255 : v;
        out[i] = v * gain + bias;
    }
}

void cl_resize(const unsigned char *pix, int width, cl_axis columns, cl_axis rows, cl_part part, float gain, float bias, float *line, float *ring, float *dst, long plane, long pitch) {
    const int n = part.x1 - part.x0, slots = rows.most;
    const long row = 3L * columns.n;
    int next = 0; /* the first source row that is not in the ring: rows are wanted in order */
    for (int y = part.y0; y < part.y1; y++) {
        const float *w = rows.weights + (long)y * rows.most;
        const int first = rows.places[2 * y], count = rows.places[2 * y + 1];
        for (next = next < first ? first : next; next < first + count; next++) {
            widen(pix + 3L * width * next, 3 * width, line);
            along(line, &columns, part.x0, part.x1, ring + next % slots * row);
        }
        for (int c = 0; c < 3; c++) {
            float *out = dst + c * plane + (y - part.y0) * pitch;
            const float *in = ring + (long)c * columns.n + part.x0;
            if (count == 4) {
                cubic(in + first % slots * row, in + (first + 1) % slots * row, in + (first + 2) % slots * row, in + (first + 3) % slots * row, w, n, gain, bias, out);
                continue;
            }
            for (int i = 0; i < n; i++) out[i] = 0;
            for (int k = 0; k < count; k++) add(in + (first + k) % slots * row, w[k], n, out);
            finish(n, gain, bias, out);
        }
    }
}
