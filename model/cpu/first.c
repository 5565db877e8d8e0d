/* The first layer reads the planar input: its rows are interleaved, normalised and padded into a strip, of which each kernel row is one
 * segment of the micro-kernel. */
#include "internal.h"
#include <string.h>

/* Floats of one strip row: the picture with its padding, all channels of a pixel together. */
long cl_first_pitch(const cl_instr *i) {
    int out_w = i->op == CL_CHAIN ? i->in.w : i->out.w;
    return (long)imax(i->pl0 + i->w0, (out_w - 1) * i->s0 + i->kw0) * i->in.c;
}

/* Rows [y0, y1) of the padded picture (row 0 is the first real one). */
void cl_first_rows(const cl_run *r, const cl_instr *i, int image, float *d, int y0, int y1) {
    const int c_n = i->in.c, w = i->w0, h = i->h0;
    const long pitch = cl_first_pitch(i);
    const float *picture = r->inputs[i->port] + (long)image * r->input_sizes[i->port];
    for (int y = y0; y < y1; y++, d += pitch) {
        memset(d, 0, sizeof(float) * (size_t)pitch);
        if (y < 0 || y >= h) continue;
        for (int c = 0; c < c_n; c++) {
            const float *s = picture + ((long)c * h + y) * w;
            float k = i->vec ? i->vec[c] : 1, b = i->vec2 ? i->vec2[c] : 0;
            float *o = d + (long)i->pl0 * c_n + c;
            for (int x = 0; x < w; x++, o += c_n) *o = s[x] * k + b;
        }
    }
}
