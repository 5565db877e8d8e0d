/* The CPU engine's C side: packed weights, a thread pool, and programs of instructions over feature maps in the layout
 * [image][channel / 16][row][column][16]. The Go planner (model) writes programs; one call runs one. */
#ifndef CLASSLENS_ENGINE_H
#define CLASSLENS_ENGINE_H
#include <stddef.h>

#define CL_BLOCK 16 /* channels that lie together */
#define CL_HEAD_BLOCKS 64 /* blocks of channels that a chain's head reads at most */

#define CL_HALF (CL_BLOCK / 2) /* what a panel's width is counted in: 24 and 40 channels fill 3 and 5 of them */

/* One matrix product of the micro-kernel: C[pixel][channel] = clamp(bias + sum over segments A * W (+ residual)). A segment is a run of
 * contiguous inputs, kseg in the first `full` ones and klast in the others; off says where each starts, so that pointwise, k x k and
 * first-layer convolutions are one code over different tables. */
struct cl_gemm {
    int nseg, full, kseg, klast;
    long lda; /* floats from one output pixel's input to the next one's */
    const int *off;
    float lo, hi;
};

/* Planes of a depthwise convolution in training: n images of c planes (h, w), a kernel of side k, stride s, zeros around. */
struct cl_planes {
    int n, c, h, w, k, s, pad, oh, ow;
};

/* What each instruction set brings. */
struct cl_kernels {
    const char *name;
    int panel_blocks; /* blocks of 16 output channels that one panel of weights feeds at once */
    int tile_pixels;  /* pixels a tile has at most when the panel is widest */
    int matmul_columns; /* that a panel of matmul_packed has */
    /* `halves` half blocks of outputs; the other half of an odd last block is set to 0. */
    void (*gemm)(const struct cl_gemm *, int halves, const float *a, const float *w, const float *bias, const float *res, float *out,
                 long out_block, long res_block, int pixels, int wide, long gap);
    void (*depthwise)(int kh, int kw, int s, const float *in, long pitch, const float *w, const float *bias, float *out, int rows,
                      int columns, float lo, float hi);
    void (*upadd)(const float *low0, const float *low1, float f, const float *add, float *out, int columns, float lo, float hi);
    void (*add)(const float *a, const float *b, float *out, long n, float lo, float hi);
    void (*clamp)(const float *a, float *out, long n, float lo, float hi);
    void (*prelu)(const float *a, const float *slope, float *out, long n);
    void (*scale)(const float *a, const float *factor, const float *shift, float *out, long n, float lo, float hi);
    void (*max_pool)(int k, int s, const float *in, long pitch, float *out, int rows, int columns);
    void (*mean)(const float *in, float *out, long pixels);
    void (*matmul)(const float *a, const float *b, float *out, int rows, int inner, int columns);
    void (*matmul_packed)(const float *a, const float *b, float *out, int rows, int inner, int columns); /* b in panels of columns */
    /* One output channel as a plain plane: clamp(bias + sum over `blocks` blocks of inputs, in_block floats apart, times w [block][16]). */
    void (*dot)(const float *in, long in_block, int blocks, const float *w, float bias, float *out, long pixels, float lo, float hi);
    void (*planes)(const float *in, float *out, long plane, int channels, long pixels); /* a block to `channels` plain planes */
    void (*sigmoid)(const float *in, float *out, long n);
    /* `halves` half blocks of channels, then the same negated, all clamped. */
    void (*mirror)(const float *in, long in_block, int halves, float *out, long out_block, long pixels, float lo, float hi);
    void (*scale_rows)(const float *in, float *out, long out_pitch, int floats, int rows, float factor, float shift); /* of rows that lie together */
    void (*copy_rows)(const float *in, long in_pitch, float *out, long out_pitch, int floats, int rows); /* floats: of a row, whole blocks */
    /* Training (learn.h), on planar maps; gradients are added to. */
    void (*dw_forward)(const struct cl_planes *, const float *x, const float *w, float *y);
    void (*dw_backward)(const struct cl_planes *, const float *x, const float *w, const float *gy, float *gx, float *gw);
    void (*norm_forward)(int n, int c, int area, const float *x, const float *scale, const float *shift, float *y, float *normed,
                         float *moments, float epsilon);
    void (*norm_backward)(int n, int c, int area, const float *gy, const float *normed, const float *scale, const float *moments, float *gx,
                          float *gscale, float *gshift);
    void (*cut_forward)(const float *x, float *y, long n);
    void (*cut_backward)(const float *y, const float *gy, float *gx, long n);
    void (*transpose)(const float *x, float *out, int rows, int columns);
    void (*add_to)(float *y, const float *x, long n);
};

/* Weights of one convolution, packed once: panels of up to panel_blocks blocks of output channels, each [k][halves * 8]. */
typedef struct cl_weights {
    int k, cout, blocks, panels;
    int *start, *width, *halves; /* per panel: first block, number of blocks, and of half blocks that hold channels */
    long *at;           /* per panel: where its weights start */
    float *w, *bias;
} cl_weights;

enum { CL_PACK, CL_UNPACK, CL_FIRST, CL_CONV, CL_DEPTHWISE, CL_CHAIN, CL_CLAMP, CL_PRELU, CL_SIGMOID, CL_ADD, CL_SCALE, CL_AFFINE,
       CL_MAX_POOL, CL_AVERAGE_POOL, CL_GLOBAL_POOL, CL_UPADD, CL_RESIZE, CL_CONCAT, CL_TRANSPOSED };

/* A feature map: place in the arena (floats, times the group's capacity already) and floats an image takes. c == 0: none. */
typedef struct {
    int c, h, w;
    long at, size;
} cl_map;

typedef struct {
    int op;
    cl_map in, out, other; /* other: residual, second operand, or factors */
    int port;              /* CL_PACK, CL_FIRST: number of the input; CL_UNPACK: of the output */
    int kh, kw, s, pt, pl; /* kernel, stride, padding above and left (what is below and right follows from the shapes) */
    float lo, hi;          /* clamp after the op (of a chain: after its last part) */
    /* A chain: [pointwise -> clamp ->] depthwise -> clamp -> [pointwise (+ other)]. */
    float lo0, hi0, lo1, hi1;
    int pool;           /* of a chain: the middle is no depthwise layer but the largest of kh x kh */
    int first_is_input; /* the chain starts with a first-layer convolution of the input: its kernel, stride and padding */
    int kh0, kw0, s0, pt0, pl0, h0, w0;
    int mirrored; /* of that convolution: its channels, w0s->cout, come a second time, negated (a concatenated ReLU); a multiple of 8 */
    /* A chain may go on: [-> a pointwise layer of head_n outputs -> clamp -> sigmoid], which leaves plain planes in an output. The first
     * channels are wh's, the others (few) dots of [channel][block * 16] weights. */
    int head_n, head_port, head_sigmoid;
    float lo2, hi2;
    const cl_weights *wh;
    const float *dots, *dot_bias;
    const cl_weights *w0s, *ws;   /* expanding (or first), and projecting (or the only) weights */
    const float *dw, *dbias;      /* depthwise [block][kh*kw][16], [block*16] */
    const float *vec, *vec2;      /* slopes; factors and shifts of an affine op, [block*16] */
    int half_pixel;               /* CL_RESIZE: half-pixel centres, else plain ratio; nearest when negative */
    int at_channel;               /* CL_CONCAT: first channel of the output */
    int rows, whole;              /* chosen by cl_program_new: rows a strip has, whole maps at a time */
    int *off0, *off;              /* segment tables for w0s and ws */
} cl_instr;

typedef struct cl_pool cl_pool;
typedef struct cl_program cl_program;

const struct cl_kernels *cl_kernels_for(const char *isa); /* "", "avx512", "avx2", "base"; NULL where the machine lacks it */
cl_weights *cl_weights_new(const struct cl_kernels *, int cout, int k, const float *w, const float *bias); /* w is [cout][k] */
void cl_weights_free(cl_weights *);
cl_pool *cl_pool_new(int threads);
void cl_pool_free(cl_pool *);
/* A program keeps copies of the instructions; group is how many images one arena holds. NULL: out of memory. */
cl_program *cl_program_new(const struct cl_kernels *, cl_pool *, int threads, const cl_instr *, int n, long arena, int group);
/* Runs it on `images` images; inputs and outputs are planar, image after image. One call at a time a program. 0, or -1: out of memory. */
int cl_program_run(cl_program *, int images, const float **inputs, const long *input_sizes, float **outputs, const long *output_sizes);
void cl_program_times(const cl_program *, double *microseconds); /* per instruction, of the last run without grouping */
void cl_program_free(cl_program *);
/* out (rows, columns) += a (rows, inner) * b (inner, columns), row-major. */
void cl_matmul(const struct cl_kernels *, const float *a, const float *b, float *out, int rows, int inner, int columns);
void cl_matmul_packed(const struct cl_kernels *, const float *a, const float *b, float *out, int rows, int inner, int columns);
float *cl_vector(long n); /* zeroed floats; NULL: out of memory */
void cl_vector_free(float *);
long cl_live_bytes(void); /* allocated by this engine and not freed: for tests */
long cl_fail_allocation(long n); /* the n-th allocation from now fails; 0: none. For tests */
#endif
