/* The fused chain [pointwise or first layer ->] depthwise or pooling [-> pointwise (+ residual)] [-> head], in strips of rows: the wide map between the parts
 * never leaves the second-level cache. The depthwise layer's zero padding lives in the strip, so its kernel knows no borders. The last rows of a
 * strip that the next one needs again are kept. Where the maps are small, whole maps are taken panel by panel instead. */
#include "internal.h"
#include <math.h>
#include <string.h>

/* In a chain, in.h and in.w are the size of the depthwise layer's input; in.at is where the chain's input lies (of the same size, unless
 * it is the picture itself). */
static int wide_blocks(const cl_instr *i) { return i->mirrored ? blocks_of(2 * i->w0s->cout) : i->w0s ? i->w0s->blocks : blocks_of(i->in.c); }
static long pitch_of(const cl_instr *i) { return (long)imax(i->pl + i->in.w, (i->out.w - 1) * i->s + i->kw) * CL_BLOCK; }
static int strip_rows(const cl_instr *i) { return (i->rows - 1) * i->s + i->kh; }
static int first_rows(const cl_instr *i) { return strip_rows(i) * i->s0 + i->kh0; } /* of the picture, for one strip */

typedef struct { /* the parts of a thread's scratch */
    float *strip, *deep, *first, *flat, *made, *head; /* made and head: results of a strip, where a head takes them further */
} parts;
typedef struct {
    long strip, deep, first, flat, made, head;
} sizes;
static sizes sizes_of(const cl_instr *i) {
    sizes z = {(long)wide_blocks(i) * strip_rows(i) * pitch_of(i) + 64, (long)i->rows * i->out.w * CL_BLOCK * wide_blocks(i) + 64, 0, 0, 0, 0};
    if (i->first_is_input) z.first = (long)first_rows(i) * i->in.c * cl_first_pitch(i) + 64;
    if (i->mirrored) z.flat = (long)i->w0s->blocks * i->in.w * CL_BLOCK + 64;
    else if (i->w0s && !i->first_is_input) z.flat = 3L * strip_rows(i) * i->in.w * CL_BLOCK + 64;
    if (i->head_n) {
        long row = (long)i->rows * i->out.w * CL_BLOCK;
        z.made = row * blocks_of(i->out.c) + 64;
        z.head = row * (i->wh ? i->wh->blocks : 0) + 64;
    }
    return z;
}
static parts parts_of(const cl_run *r, int thread) {
    sizes z = sizes_of(r->i);
    float *s = scratch_of(r, thread);
    float *end = s + z.strip + z.deep + z.first + z.flat;
    return (parts){s, s + z.strip, s + z.strip + z.deep, s + z.strip + z.deep + z.first, end, end + z.made};
}

void cl_plan_chain(const cl_program *p, cl_instr *i, long *scratch) {
    int nb = wide_blocks(i);
    long deep_row = (long)i->out.w * nb * CL_BLOCK, whole = deep_row * i->out.h;
    i->rows = imax(1, imin(i->out.h, (int)(cl_budget(p) / deep_row)));
    i->whole = !i->head_n && !i->first_is_input && i->w0s && i->ws && (i->rows == i->out.h || (p->threads > 1 && whole <= 3L * p->threads * CL_SHARED));
    if (i->whole) i->rows = i->out.h;
    if (i->first_is_input)
        cl_first_segments(i, first_rows(i), i->off0);
    else
        for (int b = 0; b < blocks_of(i->in.c); b++) i->off0[b] = (int)((long)b * i->in.h * i->in.w * CL_BLOCK);
    for (int b = 0; b < nb; b++) i->off[b] = (int)((long)b * i->rows * i->out.w * CL_BLOCK);
    sizes z = sizes_of(i);
    *scratch = z.strip + z.deep + z.first + z.flat + z.made + z.head;
    if (i->whole) { /* images of one round share one deep map, kept behind the strip of thread 0 */
        long most = imax(1, imin(p->group, (int)(cl_budget(p) / whole)));
        *scratch = z.strip + most * whole + 64 + z.flat;
    }
}

static struct cl_gemm first_gemm(const cl_instr *i) {
    if (i->first_is_input) return cl_first_gemm(i, i->off0, i->lo0, i->hi0);
    int nb = blocks_of(i->in.c);
    return (struct cl_gemm){nb, nb - 1, CL_BLOCK, i->in.c - (nb - 1) * CL_BLOCK, CL_BLOCK, i->off0, i->lo0, i->hi0};
}
static void fill(float *p, long n, float value) {
    for (long x = 0; x < n; x++) p[x] = value;
}
static float padding(const cl_instr *i) { return i->pool ? -INFINITY : 0; }

/* What lies left and right of the map in all of a strip's rows: written once, nothing else writes there. */
static void pad_sides(const cl_instr *i, int width, float *strip, long block) {
    long pitch = pitch_of(i), row = (long)i->in.w * CL_BLOCK, left = (long)i->pl * CL_BLOCK;
    for (int c = 0; c < width; c++)
        for (float *at = strip + c * block, *end = at + strip_rows(i) * pitch; at < end; at += pitch) {
            fill(at, left, padding(i));
            fill(at + left + row, pitch - left - row, padding(i));
        }
}

/* Rows [y0, y1) of `width` blocks from block c0 of the depthwise layer's input, into the strip rows at d (blocks `block` floats apart). q is
 * the panel that makes them; first and sy0 are the picture's rows and the number of the first. */
static void produce(cl_run *r, int image, int q, int width, int halves, int c0, float *d, long block, int y0, int y1, const float *first, int sy0, float *flat) {
    const cl_instr *i = r->i;
    const struct cl_kernels *k = r->p->kernels;
    int h = i->in.h, w = i->in.w, ya = imax(y0, 0), yb = imin(y1, h);
    long pitch = pitch_of(i), row = (long)w * CL_BLOCK, left = (long)i->pl * CL_BLOCK;
    for (int c = 0; c < width; c++) {
        for (int y = y0; y < imin(y1, 0); y++) fill(d + c * block + (y - y0) * pitch, pitch, padding(i));
        for (int y = imax(y0, h); y < y1; y++) fill(d + c * block + (y - y0) * pitch, pitch, padding(i));
    }
    if (yb <= ya) return;
    float *to = d + (ya - y0) * pitch + left;
    if (!i->w0s) {
        const float *in = map_at(r, &i->in, image);
        for (int c = 0; c < width; c++)
            k->copy_rows(in + ((long)(c0 + c) * h + ya) * row, row, to + c * block, pitch, (int)row, yb - ya);
        return;
    }
    const cl_weights *ws = i->w0s;
    struct cl_gemm g = first_gemm(i);
    const float *weights = ws->w + ws->at[q], *bias = ws->bias + ws->start[q] * CL_BLOCK;
    if (i->mirrored) {
        long flat_block = (long)w * CL_BLOCK;
        g.lo = -INFINITY, g.hi = INFINITY;
        for (int y = ya; y < yb; y++) {
            for (q = 0; q < ws->panels; q++)
                k->gemm(&g, ws->halves[q], first + (long)(y * i->s0 - i->pt0 - sy0) * cl_first_pitch(i), ws->w + ws->at[q], ws->bias + ws->start[q] * CL_BLOCK, 0,
                        flat + ws->start[q] * flat_block, flat_block, 0, w, w, 0);
            k->mirror(flat, flat_block, ws->cout / CL_HALF, to + (y - ya) * pitch, block, w, i->lo0, i->hi0);
        }
        return;
    }
    if (i->first_is_input) {
        for (int y = ya; y < yb; y++) {
            cl_first_ahead(r, i, image + 1, y * i->s0, (y + 1) * i->s0);
            k->gemm(&g, halves, first + (long)(y * i->s0 - i->pt0 - sy0) * cl_first_pitch(i), weights, bias, 0, to + (y - ya) * pitch, block, 0, w, w, 0);
        }
        return;
    }
    const float *in = map_at(r, &i->in, image) + ya * row;
    int pixels = (yb - ya) * w;
    if (w >= k->tile_pixels) { /* tiles run over row ends */
        k->gemm(&g, halves, in, weights, bias, 0, to, block, 0, pixels, w, pitch - row);
        return;
    }
    k->gemm(&g, halves, in, weights, bias, 0, flat, (long)pixels * CL_BLOCK, 0, pixels, pixels, 0);
    for (int c = 0; c < width; c++) k->copy_rows(flat + (long)c * (yb - ya) * row, row, to + c * block, pitch, (int)row, yb - ya);
}
static void depthwise(const cl_run *r, int block, const float *strip, float *out, int rows) {
    const cl_instr *i = r->i;
    if (i->pool) return r->p->kernels->max_pool(i->kh, i->s, strip, pitch_of(i), out, rows, i->out.w);
    r->p->kernels->depthwise(i->kh, i->kw, i->s, strip, pitch_of(i), i->dw + (long)block * i->kh * i->kw * CL_BLOCK, i->dbias + block * CL_BLOCK,
                             out, rows, i->out.w, i->lo1, i->hi1);
}
static struct cl_gemm project_gemm(const cl_instr *i) {
    int nb = wide_blocks(i), channels = i->w0s ? i->w0s->cout : i->in.c;
    return (struct cl_gemm){nb, nb - 1, CL_BLOCK, channels - (nb - 1) * CL_BLOCK, CL_BLOCK, i->off, i->lo, i->hi};
}

/* Rows [y, y + rows) of the head's outputs from the strip's results. */
static void head(const cl_run *r, int image, int y, int rows, const parts *s) {
    const cl_instr *i = r->i;
    const struct cl_kernels *k = r->p->kernels;
    int nb = blocks_of(i->out.c), pixels = rows * i->out.w, c = 0;
    long plane = (long)i->out.h * i->out.w, block = (long)pixels * CL_BLOCK;
    float *out = r->outputs[i->head_port] + (long)image * r->output_sizes[i->head_port] + (long)y * i->out.w;
    if (i->wh) {
        int off[CL_HEAD_BLOCKS];
        for (int b = 0; b < nb; b++) off[b] = (int)(b * block);
        struct cl_gemm g = {nb, nb - 1, CL_BLOCK, i->out.c - (nb - 1) * CL_BLOCK, CL_BLOCK, off, i->lo2, i->hi2};
        for (int q = 0; q < i->wh->panels; q++)
            k->gemm(&g, i->wh->halves[q], s->made, i->wh->w + i->wh->at[q], i->wh->bias + i->wh->start[q] * CL_BLOCK, 0,
                    s->head + i->wh->start[q] * block, block, 0, pixels, pixels, 0);
        for (; c < i->wh->cout; c += CL_BLOCK) k->planes(s->head + c / CL_BLOCK * block, out + c * plane, plane, imin(CL_BLOCK, i->wh->cout - c), pixels);
        c = i->wh->cout;
    }
    for (int d = 0; c < i->head_n; c++, d++)
        k->dot(s->made, block, nb, i->dots + (long)d * nb * CL_BLOCK, i->dot_bias[d], out + c * plane, pixels, i->lo2, i->hi2);
    for (c = 0; i->head_sigmoid && c < i->head_n; c++) k->sigmoid(out + c * plane, out + c * plane, pixels);
}

/* Output rows of one band, strip after strip. */
static void band_task(void *arg, int task, int thread) {
    cl_run *r = arg;
    const cl_instr *i = r->i;
    int image = task / r->bands, band = task % r->bands, y_begin = i->out.h * band / r->bands, y_end = i->out.h * (band + 1) / r->bands;
    parts s = parts_of(r, thread);
    long pitch = pitch_of(i), block = strip_rows(i) * pitch, deep = (long)i->rows * i->out.w * CL_BLOCK;
    long out_block = (long)i->out.h * i->out.w * CL_BLOCK;
    int panels = i->mirrored ? 1 : i->w0s ? i->w0s->panels : blocks_of(i->in.c), have = -1, sy0 = 0;
    float *out_map = map_at(r, &i->out, image);
    const float *res_map = i->other.c ? map_at(r, &i->other, image) : 0;
    for (int y = y_begin; y < y_end; y += i->rows) {
        int rows = imin(i->rows, y_end - y), y0 = y * i->s - i->pt, y1 = y0 + (rows - 1) * i->s + i->kh;
        int from = have > y0 ? have : y0, keep = from - y0;
        if (i->first_is_input) {
            sy0 = from * i->s0 - i->pt0;
            cl_first_rows(r, i, image, s.first, first_rows(i), sy0, (y1 - 1) * i->s0 - i->pt0 + i->kh0);
        }
        for (int q = 0; q < panels; q++) {
            int c0 = i->w0s ? i->w0s->start[q] : q, width = i->mirrored ? wide_blocks(i) : i->w0s ? i->w0s->width[q] : 1;
            float *p = s.strip + c0 * block;
            if (have < 0) pad_sides(i, width, p, block);
            int shift = have - keep - ((y - i->rows) * i->s - i->pt); /* strip row where the kept rows lie now */
            if (keep > 0)
                for (int c = 0; c < width; c++) memmove(p + c * block, p + c * block + shift * pitch, sizeof(float) * (size_t)(keep * pitch));
            produce(r, image, q, width, i->w0s ? i->w0s->halves[q] : 2, c0, p + keep * pitch, block, from, y1, s.first, sy0, s.flat);
            for (int c = 0; c < width; c++)
                depthwise(r, c0 + c, p + c * block, i->ws ? s.deep + (c0 + c) * deep : out_map + (c0 + c) * out_block + (long)y * i->out.w * CL_BLOCK, rows);
        }
        have = y1;
        if (!i->ws) continue;
        struct cl_gemm g = project_gemm(i);
        for (int q = 0; q < i->ws->panels; q++) {
            int pixels = rows * i->out.w;
            long at = i->ws->start[q] * out_block + (long)y * i->out.w * CL_BLOCK, to_block = i->head_n ? (long)pixels * CL_BLOCK : out_block;
            float *to = i->head_n ? s.made + i->ws->start[q] * to_block : out_map + at;
            r->p->kernels->gemm(&g, i->ws->halves[q], s.deep, i->ws->w + i->ws->at[q], i->ws->bias + i->ws->start[q] * CL_BLOCK,
                                res_map ? res_map + at : 0, to, to_block, out_block, pixels, pixels, 0);
        }
        if (i->head_n) head(r, image, y, rows, &s);
    }
}

/* Whole maps: one panel of the wide map a task, its depthwise results shared by all. */
static float *shared_deep(const cl_run *r) { return scratch_of(r, r->thread) + sizes_of(r->i).strip; }
static void expand_task(void *arg, int q, int thread) {
    cl_run *r = arg;
    const cl_instr *i = r->i;
    sizes z = sizes_of(i);
    long pitch = pitch_of(i), block = strip_rows(i) * pitch, deep = (long)i->out.h * i->out.w * CL_BLOCK;
    int c0 = i->w0s->start[q], width = i->w0s->width[q];
    float *strip = scratch_of(r, thread), *flat = scratch_of(r, thread) + r->p->scratch - z.flat;
    pad_sides(i, width, strip, block);
    for (int n = 0; n < r->count; n++) {
        produce(r, r->first + n, q, width, i->w0s->halves[q], c0, strip, block, -i->pt, strip_rows(i) - i->pt, NULL, 0, flat);
        for (int c = 0; c < width; c++) depthwise(r, c0 + c, strip + c * block, shared_deep(r) + ((long)n * wide_blocks(i) + c0 + c) * deep, i->out.h);
    }
}
static void project_task(void *arg, int task, int thread) {
    cl_run *r = arg;
    const cl_instr *i = r->i;
    const cl_weights *w = i->ws;
    int q = task % w->panels, part = task / w->panels, pixels = i->out.h * i->out.w, tile = r->p->kernels->tile_pixels;
    int tiles = (pixels + tile - 1) / tile, m0 = imin(pixels, tiles * part / r->bands * tile), m1 = imin(pixels, tiles * (part + 1) / r->bands * tile);
    long block = (long)pixels * CL_BLOCK, at = w->start[q] * block + (long)m0 * CL_BLOCK;
    struct cl_gemm g = project_gemm(i);
    (void)thread;
    if (m1 <= m0) return;
    for (int n = 0; n < r->count; n++) {
        const float *res = i->other.c ? map_at(r, &i->other, r->first + n) + at : 0;
        r->p->kernels->gemm(&g, w->halves[q], shared_deep(r) + (long)n * wide_blocks(i) * block + (long)m0 * CL_BLOCK, w->w + w->at[q],
                            w->bias + w->start[q] * CL_BLOCK, res, map_at(r, &i->out, r->first + n) + at, block, block, m1 - m0, m1 - m0, 0);
    }
}

void cl_chain(cl_run *r) {
    const cl_instr *i = r->i;
    int threads = r->pool ? cl_pool_threads(r->pool) : 1;
    if (!i->whole) {
        r->bands = threads == 1 ? 1 : threads * imax(1, imin(2, i->out.h / (12 * threads)));
        r->bands = imin(r->bands, i->out.h);
        cl_for(r->pool, r->images * r->bands, band_task, r, r->thread);
        return;
    }
    long whole = (long)i->out.h * i->out.w * wide_blocks(i) * CL_BLOCK;
    for (r->first = 0; r->first < r->images; r->first += r->count) {
        r->count = imin(r->images - r->first, imax(1, (int)(cl_budget(r->p) / whole)));
        cl_for(r->pool, i->w0s->panels, expand_task, r, r->thread);
        int pixels = i->out.h * i->out.w;
        r->bands = threads == 1 || i->ws->panels > 8 * threads ? 1 : imax(1, imin(pixels / 36, threads * 2));
        cl_for(r->pool, i->ws->panels * r->bands, project_task, r, r->thread);
    }
}
