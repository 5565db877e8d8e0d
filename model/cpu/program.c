/* A program: its plan, its memory, and its runs. */
#include "internal.h"
#include <string.h>

cl_program *cl_program_new(const struct cl_kernels *kernels, cl_pool *pool, int threads, const cl_instr *instr, int n, long arena, int group) {
    cl_program *p = cl_zeroed(sizeof *p);
    if (!p) return NULL;
    *p = (cl_program){.kernels = kernels, .pool = pool, .threads = threads, .n = n, .group = group, .arena = arena};
    p->instr = cl_zeroed(sizeof *instr * (size_t)n);
    p->us = cl_zeroed(sizeof(double) * (size_t)n);
    if (!p->instr || !p->us) goto failed;
    memcpy(p->instr, instr, sizeof *instr * (size_t)n);
    for (int i = 0; i < n; i++) p->instr[i].off = p->instr[i].off0 = NULL;
    for (int i = 0; i < n; i++) {
        long need = 0;
        if (cl_plan_instr(p, &p->instr[i], &need)) goto failed;
        if (need > p->scratch) p->scratch = need;
    }
    return p;
failed:
    cl_program_free(p);
    return NULL;
}
void cl_program_free(cl_program *p) {
    if (!p) return;
    for (int i = 0; p->instr && i < p->n; i++) {
        cl_free(p->instr[i].off0);
        cl_free(p->instr[i].off);
    }
    cl_free(p->us);
    cl_free(p->instr);
    cl_free(p);
}
void cl_program_times(const cl_program *p, double *us) { memcpy(us, p->us, sizeof(double) * (size_t)p->n); }

enum { MAX_PORTS = 64 };

static void run_group(cl_run *r, int timed) {
    double t = timed ? cl_now() : 0;
    for (int i = 0; i < r->p->n; i++) {
        r->i = &r->p->instr[i];
        cl_exec(r);
        if (timed) {
            double u = cl_now();
            r->p->us[i] = u - t;
            t = u;
        }
    }
}
typedef struct {
    cl_program *p;
    int images, group;
    const float **inputs;
    float **outputs;
    const long *input_sizes, *output_sizes;
    int inputs_n, outputs_n;
    cl_pool *pool;
} batch;

static void run_batch(void *arg, int task, int thread) {
    batch *b = arg;
    int first = task * b->group;
    const float *in[MAX_PORTS];
    float *out[MAX_PORTS];
    for (int i = 0; i < b->inputs_n; i++) in[i] = b->inputs[i] + (long)first * b->input_sizes[i];
    for (int i = 0; i < b->outputs_n; i++) out[i] = b->outputs[i] + (long)first * b->output_sizes[i];
    cl_run r = {.p = b->p, .pool = b->pool, .images = imin(b->group, b->images - first), .thread = thread, .arena = cl_pool_rooms(b->p->pool)[thread].arena,
                .inputs = in, .outputs = out, .input_sizes = b->input_sizes, .output_sizes = b->output_sizes};
    run_group(&r, b->pool != NULL);
}
static int ports(const cl_program *p, int output) {
    int n = 0;
    for (int i = 0; i < p->n; i++) {
        const cl_instr *x = &p->instr[i];
        int reads = x->op == CL_PACK || x->op == CL_FIRST || (x->op == CL_CHAIN && x->first_is_input);
        if (output ? x->op == CL_UNPACK : reads) n = imax(n, x->port + 1);
        if (output && x->head_n) n = imax(n, x->head_port + 1);
    }
    return n;
}
int cl_program_run(cl_program *p, int images, const float **inputs, const long *input_sizes, float **outputs, const long *output_sizes) {
    int threads = imin(p->threads, cl_pool_threads(p->pool));
    int spread = threads > 1 && images >= threads; /* enough images: a thread a group, and nothing waits */
    for (int t = 0; t < threads; t++)
        if (cl_pool_room(p->pool, t, spread || t == 0 ? p->arena : 0, p->scratch + CL_BLOCK)) return -1;
    batch b = {p, images, p->group, inputs, outputs, input_sizes, output_sizes, ports(p, 0), ports(p, 1), spread ? NULL : p->pool};
    if (spread) b.group = imin(p->group, (images + threads - 1) / threads);
    int n = (images + b.group - 1) / b.group;
    cl_pool_wake(p->pool, 1);
    if (spread) cl_for(p->pool, n, run_batch, &b, 0);
    else
        for (int t = 0; t < n; t++) run_batch(&b, t, 0);
    cl_pool_wake(p->pool, 0);
    return 0;
}
