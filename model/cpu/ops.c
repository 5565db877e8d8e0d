/* The instructions. Each splits its work into tasks (bands of rows, blocks of channels) and runs them on the pool. */
#include "internal.h"
#include <math.h>
#include <string.h>

#define IMAGE(r, task, per) ((task) / (per))
static const struct cl_kernels *kernels(const cl_run *r) { return r->p->kernels; }

/* ---- planar <-> blocked ---- */
static void pack_task(void *arg, int task, int thread) {
    cl_run *r = arg;
    const cl_instr *i = r->i;
    int nb = blocks_of(i->out.c), image = task / nb, b = task % nb, c_n = imin(CL_BLOCK, i->out.c - b * CL_BLOCK);
    long n = (long)i->out.h * i->out.w;
    const float *in = r->inputs[i->port] + (long)image * r->input_sizes[i->port] + (long)b * CL_BLOCK * n;
    float *out = map_at(r, &i->out, image) + (long)b * n * CL_BLOCK;
    (void)thread;
    if (c_n < CL_BLOCK) memset(out, 0, sizeof(float) * (size_t)n * CL_BLOCK);
    for (int c = 0; c < c_n; c++)
        for (long x = 0; x < n; x++) out[x * CL_BLOCK + c] = in[c * n + x];
}
static void unpack_task(void *arg, int task, int thread) {
    cl_run *r = arg;
    const cl_instr *i = r->i;
    int nb = blocks_of(i->in.c), image = task / nb, b = task % nb, c_n = imin(CL_BLOCK, i->in.c - b * CL_BLOCK);
    long n = (long)i->in.h * i->in.w;
    const float *in = map_at(r, &i->in, image) + (long)b * n * CL_BLOCK;
    float *out = r->outputs[i->port] + (long)image * r->output_sizes[i->port] + (long)b * CL_BLOCK * n;
    (void)thread;
    kernels(r)->planes(in, out, n, c_n, n);
}

/* ---- convolutions by the micro-kernel ---- */
static int kernel_1x1(const cl_instr *i) { return i->kh == 1 && i->kw == 1 && !i->pt && !i->pl; }
static long strip_pitch(const cl_instr *i) { return (long)imax(i->pl + i->in.w, (i->out.w - 1) * i->s + i->kw) * CL_BLOCK; }

/* All panels over one row or run of pixels. */
static void all_panels(const cl_run *r, const struct cl_gemm *g, const cl_weights *w, const float *a, const float *res, float *out,
                       long out_block, int pixels) {
    for (int q = 0; q < w->panels; q++)
        kernels(r)->gemm(g, w->halves[q], a, w->w + w->at[q], w->bias + w->start[q] * CL_BLOCK, res ? res + w->start[q] * out_block : 0,
                         out + w->start[q] * out_block, out_block, out_block, pixels, pixels, 0);
}
static int first_strip_rows(const cl_instr *i) { return (i->rows - 1) * i->s0 + i->kh0; }
static void first_task(void *arg, int task, int thread) {
    cl_run *r = arg;
    const cl_instr *i = r->i;
    int image = task / r->bands, band = task % r->bands, y0 = i->out.h * band / r->bands, y1 = i->out.h * (band + 1) / r->bands;
    long pitch = cl_first_pitch(i), out_block = (long)i->out.h * i->out.w * CL_BLOCK;
    float *strip = scratch_of(r, thread), *out = map_at(r, &i->out, image);
    struct cl_gemm g = cl_first_gemm(i, i->off, i->lo, i->hi);
    for (int y = y0; y < y1; y += i->rows) {
        int rows = imin(i->rows, y1 - y), top = y * i->s0 - i->pt0;
        cl_first_rows(r, i, image, strip, first_strip_rows(i), top, top + (rows - 1) * i->s0 + i->kh0);
        for (int q = 0; q < rows; q++)
            all_panels(r, &g, i->ws, strip + (long)q * i->s0 * pitch, 0, out + (long)(y + q) * i->out.w * CL_BLOCK, out_block, i->out.w);
    }
}
static void conv_task(void *arg, int task, int thread) { /* k x k, through a padded strip of all input blocks */
    cl_run *r = arg;
    const cl_instr *i = r->i;
    int image = task / r->bands, band = task % r->bands, y0 = i->out.h * band / r->bands, y1 = i->out.h * (band + 1) / r->bands;
    int nb = blocks_of(i->in.c), strip_rows = (i->rows - 1) * i->s + i->kh;
    long pitch = strip_pitch(i), block = strip_rows * pitch, in_block = (long)i->in.h * i->in.w * CL_BLOCK, row = (long)i->in.w * CL_BLOCK;
    long out_block = (long)i->out.h * i->out.w * CL_BLOCK;
    float *strip = scratch_of(r, thread), *out = map_at(r, &i->out, image);
    const float *in = map_at(r, &i->in, image), *res = i->other.c ? map_at(r, &i->other, image) : 0;
    int whole = i->in.c / CL_BLOCK;
    struct cl_gemm g = {i->kh * i->kw * nb, i->kh * i->kw * whole, CL_BLOCK, i->in.c - whole * CL_BLOCK, (long)i->s * CL_BLOCK, i->off, i->lo, i->hi};
    for (int y = y0; y < y1; y += i->rows) {
        int rows = imin(i->rows, y1 - y), top = y * i->s - i->pt, need = (rows - 1) * i->s + i->kh;
        for (int b = 0; b < nb; b++)
            for (int q = 0; q < need; q++) {
                float *d = strip + b * block + q * pitch;
                memset(d, 0, sizeof(float) * (size_t)pitch);
                if (top + q >= 0 && top + q < i->in.h)
                    memcpy(d + i->pl * CL_BLOCK, in + b * in_block + (top + q) * row, sizeof(float) * (size_t)row);
            }
        for (int p = 0; p < i->ws->panels; p++)
            for (int q = 0; q < rows; q++) {
                long at = (long)(y + q) * i->out.w * CL_BLOCK + i->ws->start[p] * out_block;
                kernels(r)->gemm(&g, i->ws->halves[p], strip + (long)q * i->s * pitch, i->ws->w + i->ws->at[p],
                                 i->ws->bias + i->ws->start[p] * CL_BLOCK, res ? res + at : 0, out + at, out_block, out_block, i->out.w,
                                 i->out.w, 0);
            }
    }
}
/* Pointwise tasks: bands of pixels times panels where bands alone would not share out evenly. */
static void pointwise_task(void *arg, int task, int thread) {
    cl_run *r = arg;
    const cl_instr *i = r->i;
    const cl_weights *w = i->ws;
    int image = task / (r->bands * w->panels), q = task / r->bands % w->panels, band = task % r->bands;
    int by_row = i->s > 1, n = by_row ? i->out.h : i->out.h * i->out.w;
    int unit = by_row ? 1 : kernels(r)->tile_pixels, units = (n + unit - 1) / unit;
    int m0 = imin(n, (int)((long)units * band / r->bands) * unit), m1 = imin(n, (int)((long)units * (band + 1) / r->bands) * unit);
    long out_block = (long)i->out.h * i->out.w * CL_BLOCK;
    const float *in = map_at(r, &i->in, image), *res = i->other.c ? map_at(r, &i->other, image) : 0;
    float *out = map_at(r, &i->out, image);
    int nb = blocks_of(i->in.c);
    struct cl_gemm g = {nb, nb - 1, CL_BLOCK, i->in.c - (nb - 1) * CL_BLOCK, (long)i->s * CL_BLOCK, i->off, i->lo, i->hi};
    (void)thread;
    for (int m = m0; m < m1; m = by_row ? m + 1 : m1) {
        int pixels = by_row ? i->out.w : m1 - m0;
        long from = by_row ? (long)m * i->s * i->in.w * CL_BLOCK : (long)m * CL_BLOCK;
        long to = (long)(by_row ? m * i->out.w : m) * CL_BLOCK + w->start[q] * out_block;
        kernels(r)->gemm(&g, w->halves[q], in + from, w->w + w->at[q], w->bias + w->start[q] * CL_BLOCK, res ? res + to : 0, out + to,
                         out_block, out_block, pixels, pixels, 0);
    }
}
/* A 2 x 2 transposed convolution of stride 2 is a pointwise one to four times the channels, whose four parts lie apart in the output. */
static void transposed_task(void *arg, int task, int thread) {
    cl_run *r = arg;
    const cl_instr *i = r->i;
    int image = task / i->in.h, y = task % i->in.h, nb = blocks_of(i->in.c), co = blocks_of(i->out.c), w = i->in.w;
    long out_block = (long)i->out.h * i->out.w * CL_BLOCK, row = (long)w * CL_BLOCK;
    float *tmp = scratch_of(r, thread), *out = map_at(r, &i->out, image);
    struct cl_gemm g = {nb, nb - 1, CL_BLOCK, i->in.c - (nb - 1) * CL_BLOCK, CL_BLOCK, i->off, i->lo, i->hi};
    all_panels(r, &g, i->ws, map_at(r, &i->in, image) + y * row, 0, tmp, row, w);
    for (int part = 0; part < 4; part++)
        for (int b = 0; b < co; b++) {
            const float *s = tmp + (long)(part * co + b) * row;
            float *d = out + b * out_block + ((long)(2 * y + part / 2) * i->out.w + part % 2) * CL_BLOCK;
            for (int x = 0; x < w; x++) memcpy(d + 2L * x * CL_BLOCK, s + (long)x * CL_BLOCK, sizeof(float) * CL_BLOCK);
        }
}

/* ---- block by block: depthwise, pooling, resizing, elementwise ---- */
/* Rows from top on (of the unpadded map) of one block, with padding value pad around, into the strip. */
static void padded_rows(const cl_instr *i, const float *in, float *strip, long pitch, int top, int rows, float pad) {
    long row = (long)i->in.w * CL_BLOCK, left = (long)i->pl * CL_BLOCK;
    for (int y = top; y < top + rows; y++, strip += pitch) {
        int inside = y >= 0 && y < i->in.h;
        for (long x = 0; x < (inside ? left : pitch); x++) strip[x] = pad;
        if (!inside) continue;
        memcpy(strip + left, in + y * row, sizeof(float) * (size_t)row);
        for (long x = left + row; x < pitch; x++) strip[x] = pad;
    }
}
/* Depthwise and pooling: strip after strip, so that what is copied is still in the cache when it is read. */
static void windows(const cl_run *r, int block, const float *in, float *out, float *strip) {
    const cl_instr *i = r->i;
    const struct cl_kernels *k = kernels(r);
    long pitch = strip_pitch(i);
    float pad = i->op == CL_MAX_POOL ? -INFINITY : 0;
    for (int y = 0; y < i->out.h; y += i->rows, out += (long)i->rows * i->out.w * CL_BLOCK) {
        int rows = imin(i->rows, i->out.h - y);
        padded_rows(i, in, strip, pitch, y * i->s - i->pt, (rows - 1) * i->s + i->kh, pad);
        if (i->op == CL_MAX_POOL) k->max_pool(i->kh, i->s, strip, pitch, out, rows, i->out.w);
        else
            k->depthwise(i->kh, i->kw, i->s, strip, pitch, i->dw + (long)block * i->kh * i->kw * CL_BLOCK, i->dbias + block * CL_BLOCK, out,
                         rows, i->out.w, i->lo, i->hi);
    }
}
static void average_rows(const cl_instr *i, const float *in, float *out) { /* padding is not counted */
    for (int y = 0; y < i->out.h; y++)
        for (int x = 0; x < i->out.w; x++, out += CL_BLOCK) {
            int ya = imax(0, y * i->s - i->pt), yb = imin(i->in.h, y * i->s - i->pt + i->kh);
            int xa = imax(0, x * i->s - i->pl), xb = imin(i->in.w, x * i->s - i->pl + i->kw);
            float k = 1.f / (float)imax(1, (yb - ya) * (xb - xa));
            memset(out, 0, sizeof(float) * CL_BLOCK);
            for (int v = ya; v < yb; v++)
                for (int u = xa; u < xb; u++)
                    for (int c = 0; c < CL_BLOCK; c++) out[c] += in[((long)v * i->in.w + u) * CL_BLOCK + c] * k;
        }
}
/* Source place and weight of output index x for a ratio in/out, as ONNX Resize has them. */
static void source(int x, int in, int out, int half_pixel, int *a, int *b, float *f) {
    float p = half_pixel ? ((float)x + .5f) * (float)in / (float)out - .5f : (float)x * (float)in / (float)out;
    if (p < 0) p = 0;
    *a = imin((int)p, in - 1);
    *b = imin(*a + 1, in - 1);
    *f = p - (float)*a;
}
static void resize_block(const cl_instr *i, const float *in, float *out) {
    for (int y = 0; y < i->out.h; y++) {
        int y0, y1, x0, x1;
        float fy, fx;
        source(y, i->in.h, i->out.h, i->half_pixel > 0, &y0, &y1, &fy);
        if (i->half_pixel < 0) y0 = y1 = (int)((long)y * i->in.h / i->out.h), fy = 0;
        const float *a = in + (long)y0 * i->in.w * CL_BLOCK, *b = in + (long)y1 * i->in.w * CL_BLOCK;
        for (int x = 0; x < i->out.w; x++, out += CL_BLOCK) {
            source(x, i->in.w, i->out.w, i->half_pixel > 0, &x0, &x1, &fx);
            if (i->half_pixel < 0) x0 = x1 = (int)((long)x * i->in.w / i->out.w), fx = 0;
            const float *p = a + (long)x0 * CL_BLOCK, *q = a + (long)x1 * CL_BLOCK, *s = b + (long)x0 * CL_BLOCK, *t = b + (long)x1 * CL_BLOCK;
            float w0 = (1 - fy) * (1 - fx), w1 = (1 - fy) * fx, w2 = fy * (1 - fx), w3 = fy * fx;
            for (int c = 0; c < CL_BLOCK; c++) out[c] = p[c] * w0 + q[c] * w1 + s[c] * w2 + t[c] * w3;
        }
    }
}
static void upadd_block(const cl_run *r, const cl_instr *i, const float *low, const float *add, float *out) {
    int h = i->in.h, w = i->in.w;
    for (int y = 0; y < 2 * h; y++) {
        long at = (long)y * w * 2 * CL_BLOCK, row = (long)w * CL_BLOCK;
        kernels(r)->upadd(low + imax(0, (y - 1) >> 1) * row, low + imin(h - 1, (y + 1) >> 1) * row, y & 1 ? .25f : .75f,
                          add ? add + at : 0, out + at, w, i->lo, i->hi);
    }
}
/* Channels that do not start at a block's border go to two blocks of the output; a pixel's two runs are copied together. */
static void concat_block(const cl_instr *i, const float *in, float *out, int b) {
    long n = (long)i->in.h * i->in.w;
    int c_n = imin(CL_BLOCK, i->in.c - b * CL_BLOCK), to = i->at_channel + b * CL_BLOCK, shift = to % CL_BLOCK;
    float *first = out + (long)(to / CL_BLOCK) * n * CL_BLOCK, *second = first + n * CL_BLOCK;
    if (shift == 0 && c_n == CL_BLOCK) {
        memcpy(first, in, sizeof(float) * (size_t)n * CL_BLOCK);
        return;
    }
    int low = imin(c_n, CL_BLOCK - shift);
    for (long x = 0; x < n; x++, in += CL_BLOCK, first += CL_BLOCK) {
        for (int c = 0; c < low; c++) first[shift + c] = in[c];
        if (low == c_n) continue;
        for (int c = low; c < c_n; c++) second[c - low] = in[c];
        second += CL_BLOCK;
    }
}
static void block_task(void *arg, int task, int thread) {
    cl_run *r = arg;
    const cl_instr *i = r->i;
    const struct cl_kernels *k = kernels(r);
    int nb = blocks_of(i->in.c), image = task / nb, b = task % nb;
    long n_in = (long)i->in.h * i->in.w * CL_BLOCK, n = (long)i->out.h * i->out.w * CL_BLOCK;
    const float *in = map_at(r, &i->in, image) + b * n_in, *other = i->other.c ? map_at(r, &i->other, image) + (i->op == CL_SCALE ? b * (long)CL_BLOCK : b * n) : 0;
    float *out = map_at(r, &i->out, image) + b * n;
    switch (i->op) {
    case CL_DEPTHWISE:
    case CL_MAX_POOL: windows(r, b, in, out, scratch_of(r, thread)); break;
    case CL_AVERAGE_POOL: average_rows(i, in, out); break;
    case CL_GLOBAL_POOL: k->mean(in, out, (long)i->in.h * i->in.w); break;
    case CL_RESIZE: resize_block(i, in, out); break;
    case CL_UPADD: upadd_block(r, i, in, other, out); break;
    case CL_CLAMP: k->clamp(in, out, n, i->lo, i->hi); break;
    case CL_PRELU: k->prelu(in, i->vec + b * CL_BLOCK, out, n); break;
    case CL_ADD: k->add(in, other, out, n, i->lo, i->hi); break;
    case CL_SCALE: k->scale(in, other, 0, out, n, i->lo, i->hi); break;
    case CL_AFFINE: k->scale(in, i->vec + b * CL_BLOCK, i->vec2 + b * CL_BLOCK, out, n, i->lo, i->hi); break;
    case CL_SIGMOID: k->sigmoid(in, out, n); break;
    case CL_CONCAT: concat_block(i, in, map_at(r, &i->out, image), b); break;
    }
}

/* ---- how much of what ---- */
static int bands_for(const cl_run *r, int rows, int least) {
    int threads = r->pool ? cl_pool_threads(r->pool) : 1;
    return threads == 1 ? 1 : imax(1, imin(rows / imax(1, least), threads * 2));
}
void cl_exec(cl_run *r) {
    const cl_instr *i = r->i;
    switch (i->op) {
    case CL_PACK: cl_for(r->pool, r->images * blocks_of(i->out.c), pack_task, r, r->thread); break;
    case CL_UNPACK: cl_for(r->pool, r->images * blocks_of(i->in.c), unpack_task, r, r->thread); break;
    case CL_FIRST:
        r->bands = bands_for(r, i->out.h, 4);
        cl_for(r->pool, r->images * r->bands, first_task, r, r->thread);
        break;
    case CL_CONV:
        if (kernel_1x1(i)) {
            r->bands = i->s > 1 ? bands_for(r, i->out.h, 2) : bands_for(r, i->out.h * i->out.w, 36);
            cl_for(r->pool, r->images * r->bands * i->ws->panels, pointwise_task, r, r->thread);
        } else {
            r->bands = bands_for(r, i->out.h, 2);
            cl_for(r->pool, r->images * r->bands, conv_task, r, r->thread);
        }
        break;
    case CL_TRANSPOSED: cl_for(r->pool, r->images * i->in.h, transposed_task, r, r->thread); break;
    case CL_CHAIN: cl_chain(r); break;
    default: cl_for(r->pool, r->images * blocks_of(i->in.c), block_task, r, r->thread);
    }
}

void cl_matmul(const struct cl_kernels *k, const float *a, const float *b, float *out, int rows, int inner, int columns) {
    k->matmul(a, b, out, rows, inner, columns);
}
void cl_matmul_packed(const struct cl_kernels *k, const float *a, const float *b, float *out, int rows, int inner, int columns) {
    k->matmul_packed(a, b, out, rows, inner, columns);
}

static int *segments(int n) { return cl_zeroed(sizeof(int) * (size_t)imax(n, 1)); }

int cl_plan_instr(const cl_program *p, cl_instr *i, long *scratch) {
    long plane = (long)i->in.h * i->in.w * CL_BLOCK;
    int nb = blocks_of(i->in.c);
    switch (i->op) {
    case CL_FIRST:
        i->rows = imax(1, imin(i->out.h, (int)(cl_budget(p) / 2 / (cl_first_pitch(i) * i->in.c * i->s0))));
        *scratch = first_strip_rows(i) * cl_first_pitch(i) * i->in.c + 64;
        if (!(i->off = segments(i->kh0 * i->in.c))) return -1;
        cl_first_segments(i, first_strip_rows(i), i->off);
        return 0;
    case CL_CONV:
    case CL_TRANSPOSED:
        if (kernel_1x1(i) || i->op == CL_TRANSPOSED) {
            if (i->op == CL_TRANSPOSED) *scratch = 4L * blocks_of(i->out.c) * i->in.w * CL_BLOCK;
            if (!(i->off = segments(nb))) return -1;
            for (int s = 0; s < nb; s++) i->off[s] = (int)(s * plane);
            return 0;
        }
        i->rows = imax(1, imin(i->out.h, (int)(cl_budget(p) / (strip_pitch(i) * nb * i->s))));
        long pitch = strip_pitch(i), block = ((long)(i->rows - 1) * i->s + i->kh) * pitch;
        *scratch = nb * block;
        if (!(i->off = segments(i->kh * i->kw * nb))) return -1;
        int n = 0, whole = i->in.c / CL_BLOCK; /* an unfinished block comes last: only its channels are multiplied */
        for (int part = 0; part < 2; part++)
            for (int y = 0; y < i->kh; y++)
                for (int x = 0; x < i->kw; x++)
                    for (int b = part ? whole : 0; b < (part ? nb : whole); b++) i->off[n++] = (int)(b * block + y * pitch + x * CL_BLOCK);
        return 0;
    case CL_DEPTHWISE:
    case CL_MAX_POOL:
        i->rows = imax(1, imin(i->out.h, (int)(cl_budget(p) / 4 / (strip_pitch(i) * i->s))));
        *scratch = ((long)(i->rows - 1) * i->s + i->kh) * strip_pitch(i);
        return 0;
    case CL_CHAIN:
        if (!(i->off0 = segments(imax(nb, i->kh0 * i->in.c)))) return -1;
        if (!(i->off = segments(imax(1, (i->first_is_input || i->w0s ? i->w0s->blocks : nb))))) return -1;
        cl_plan_chain(p, i, scratch);
        return 0;
    default: return 0;
    }
}
