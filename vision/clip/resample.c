/* Resampling of squares: along rows first, then along columns. The sums are those of a plain loop over the taps, in its order, and (-std=c11) nothing
 * is fused: the bytes do not depend on the compiler. */
#include "resample.h"
typedef float four __attribute__((vector_size(16), aligned(4), may_alias));

void cl_clip_span(cl_taps t, int *from, int *to) {
    *from = t.first[0], *to = t.first[0] + t.count[0];
    for (int i = 1; i < t.n; i++) { /* beyond the frame's edge sources repeat: the ends are not the extremes */
        if (t.first[i] < *from) *from = t.first[i];
        if (t.first[i] + t.count[i] > *to) *to = t.first[i] + t.count[i];
    }
}

void cl_clip_picture(const unsigned char *pix, int width, cl_taps columns, cl_taps rows, float *line, float *narrow, unsigned char *out) {
    int x0, x1, y0, y1;
    const int n = columns.n * 3;
    cl_clip_span(columns, &x0, &x1);
    cl_clip_span(rows, &y0, &y1);
    for (int y = y0; y < y1; y++) {
        const unsigned char *p = pix + ((long)y * width + x0) * 3;
        float *to = narrow + (long)(y - y0) * n;
        for (int i = 0; i < (x1 - x0) * 3; i++) line[i] = p[i];
        for (int i = 0; i < columns.n; i++, to += 3) { /* three channels and what comes next, which the next pixel overwrites */
            const float *w = columns.weights + (long)i * columns.most, *from = line + (columns.first[i] - x0) * 3;
            four sum = {0, 0, 0, 0};
            for (int k = 0; k < columns.count[i]; k++, from += 3) sum += w[k] * *(const four *)from;
            *(four *)to = sum;
        }
    }
    for (int i = 0; i < rows.n; i++) {
        const float *w = rows.weights + (long)i * rows.most;
        for (int j = 0; j < n; j++) line[j] = 0;
        for (int k = 0; k < rows.count[i]; k++) {
            const float *row = narrow + (long)(rows.first[i] - y0 + k) * n;
            for (int j = 0; j < n; j++) line[j] += w[k] * row[j];
        }
        for (int j = 0; j < n; j++) *out++ = (unsigned char)(int)(line[j] + .5f);
    }
}

void cl_clip_flow(const float *uv, int width, cl_taps columns, cl_taps rows, float scale, float *out) {
    for (int i = 0; i < rows.n; i++)
        for (int j = 0; j < columns.n; j++) {
            const float *wr = rows.weights + (long)i * rows.most, *wc = columns.weights + (long)j * columns.most;
            float u = 0, v = 0;
            for (int a = 0; a < rows.count[i]; a++) {
                const float *p = uv + 2 * ((long)(rows.first[i] + a) * width + columns.first[j]);
                for (int b = 0; b < columns.count[j]; b++) {
                    float w = wr[a] * wc[b];
                    u += w * p[2 * b];
                    v += w * p[2 * b + 1];
                }
            }
            *out++ = u * scale;
            *out++ = v * scale;
        }
}
