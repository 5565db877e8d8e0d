/* The first layer reads the planar input: its rows are normalised and padded into a strip, plane after plane. Each kernel row of each plane is
 * one segment of the micro-kernel. */
#include "internal.h"
#include <string.h>

/* Floats of one row of one plane of the strip: the picture with its padding. */
long cl_first_pitch(const cl_instr *i) {
    int out_w = i->op == CL_CHAIN ? i->in.w : i->out.w;
    return imax(i->pl0 + i->w0, (out_w - 1) * i->s0 + i->kw0);
}

/* The micro-kernel's task over a strip of `rows` rows a plane; off has kh0 * channels places. */
struct cl_gemm cl_first_gemm(const cl_instr *i, int *off, float lo, float hi) {
    return (struct cl_gemm){i->kh0 * i->in.c, i->kh0 * i->in.c, i->kw0, i->kw0, i->s0, off, lo, hi};
}
void cl_first_segments(const cl_instr *i, int rows, int *off) {
    for (int y = 0; y < i->kh0; y++)
        for (int c = 0; c < i->in.c; c++) off[y * i->in.c + c] = (int)((c * (long)rows + y) * cl_first_pitch(i));
}

/* Draws rows [y0, y1) of a picture nearer, which need not be there: the next one of a batch, while this one is worked on. 32 pictures of 80 x 80 take
 * 3 % less so when they come from beyond the second-level cache. */
void cl_first_ahead(const cl_run *r, const cl_instr *i, int image, int y0, int y1) {
    const float *picture = r->inputs[i->port] + (long)image * r->input_sizes[i->port];
    for (int c = 0; c < i->in.c; c++)
        for (const float *at = picture + ((long)c * i->h0 + y0) * i->w0, *end = at + (long)(y1 - y0) * i->w0; at < end; at += 16) __builtin_prefetch(at, 0, 2);
}

/* Rows [y0, y1) of the padded picture (row 0 is the first real one) into a strip whose planes have `rows` rows. */
void cl_first_rows(const cl_run *r, const cl_instr *i, int image, float *strip, int rows, int y0, int y1) {
    const int w = i->w0, h = i->h0, from = imin(imax(y0, 0), y1), to = imax(imin(y1, h), from); /* the real ones among them */
    const long pitch = cl_first_pitch(i), right = pitch - i->pl0 - w;
    const float *picture = r->inputs[i->port] + (long)image * r->input_sizes[i->port];
    for (int c = 0; c < i->in.c; c++) {
        float *d = strip + c * (long)rows * pitch, *real = d + (from - y0) * pitch, *end = d + (to - y0) * pitch;
        memset(d, 0, sizeof(float) * (size_t)((from - y0) * pitch));
        memset(end, 0, sizeof(float) * (size_t)((y1 - to) * pitch));
        for (float *row = real; row < end; row += pitch) {
            for (long x = 0; x < i->pl0; x++) row[x] = 0;
            for (long x = pitch - right; x < pitch; x++) row[x] = 0;
        }
        r->p->kernels->scale_rows(picture + ((long)c * h + from) * w, real + i->pl0, pitch, w, to - from, i->vec ? i->vec[c] : 1, i->vec2 ? i->vec2[c] : 0);
    }
}
