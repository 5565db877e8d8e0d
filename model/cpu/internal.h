/* What the engine's C files share. */
#ifndef CLASSLENS_INTERNAL_H
#define CLASSLENS_INTERNAL_H
#include "engine.h"

static inline int imin(int a, int b) { return a < b ? a : b; }
static inline int imax(int a, int b) { return a > b ? a : b; }
static inline int blocks_of(int channels) { return (channels + CL_BLOCK - 1) / CL_BLOCK; }

/* alloc.c: zeroed, 64-byte aligned (2 MB and huge pages for what is large); NULL when out of memory. */
float *cl_floats(long n);
void *cl_zeroed(size_t bytes);
void cl_free(void *);

/* pool.c: runs task 0..n-1 on the pool and the caller; in the caller alone when pool is NULL. */
typedef void (*cl_task)(void *arg, int task, int thread);
void cl_for(cl_pool *, int n, cl_task, void *arg, int thread);
void cl_pool_wake(cl_pool *, int on);
int cl_pool_threads(const cl_pool *);
/* The memory of a thread: for maps, and for what one instruction needs. All programs of a pool share it, since they take turns: a network that
 * runs at many sizes clears it once and not at each. */
typedef struct {
    float *arena, *scratch;
    long arena_n, scratch_n;
} cl_room;
int cl_pool_room(cl_pool *, int thread, long arena, long scratch); /* as much at least; 0, or -1: out of memory */
cl_room *cl_pool_rooms(cl_pool *);
double cl_now(void); /* microseconds */

/* program.c and ops*.c */
struct cl_program {
    const struct cl_kernels *kernels;
    cl_pool *pool;
    int threads, n, group;
    long arena, scratch; /* floats each */
    cl_instr *instr;
    double *us;
};
/* One run of a program over up to `group` images. */
typedef struct {
    cl_program *p;
    cl_pool *pool; /* NULL: this thread alone */
    int images, thread;
    float *arena;
    const float *const *inputs;
    float *const *outputs;
    const long *input_sizes, *output_sizes;
    const cl_instr *i; /* the instruction in work */
    int bands, first, count; /* of it: bands an image; images of the whole-map round */
} cl_run;

/* Floats of a strip: half of a second-level cache of 2 MB (of 1 MB is the same to 1 %), of 512 KB where there is AVX2 or less. */
static inline int cl_budget(const cl_program *p) { return p->kernels->panel_blocks > 1 ? 256 << 10 : 64 << 10; }
#define CL_SHARED (256 << 10) /* floats that a thread's part of a whole map has at most three times over */

static inline float *map_at(const cl_run *r, const cl_map *m, int image) { return r->arena + m->at + (long)image * m->size; }
static inline float *scratch_of(const cl_run *r, int thread) { return cl_pool_rooms(r->p->pool)[thread].scratch; }

int cl_plan_instr(const cl_program *, cl_instr *, long *scratch); /* strip heights, segment tables; -1: out of memory */
void cl_exec(cl_run *);                                           /* ops.c: runs r->i */
void cl_chain(cl_run *);                                          /* chain.c */
void cl_plan_chain(const cl_program *, cl_instr *, long *scratch);
/* first.c */
long cl_first_pitch(const cl_instr *);
void cl_first_rows(const cl_run *, const cl_instr *, int image, float *strip, int rows, int y0, int y1);
void cl_first_ahead(const cl_run *, const cl_instr *, int image, int y0, int y1);
void cl_first_segments(const cl_instr *, int rows, int *off);
struct cl_gemm cl_first_gemm(const cl_instr *, int *off, float lo, float hi);
#endif
