/* Weights packed in the order in which the micro-kernel reads them. */
#include "internal.h"
#include <string.h>

extern const struct cl_kernels cl_kernels_base;
#if defined(__x86_64__)
extern const struct cl_kernels cl_kernels_zen4, cl_kernels_avx512, cl_kernels_avx2;
#endif

const struct cl_kernels *cl_kernels_for(const char *isa) {
    int any = !isa || !*isa;
#if defined(__x86_64__)
    __builtin_cpu_init();
    int wide = __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
#if defined(__ELF__)
    if (wide && (any ? __builtin_cpu_is("amd") : !strcmp(isa, "zen4"))) return &cl_kernels_zen4;
#endif
    if (wide && (any || !strcmp(isa, "avx512"))) return &cl_kernels_avx512;
    if ((any || !strcmp(isa, "avx2")) && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return &cl_kernels_avx2;
#endif
    return any || !strcmp(isa, "base") ? &cl_kernels_base : NULL;
}

cl_weights *cl_weights_new(const struct cl_kernels *kernels, int cout, int k, const float *w, const float *bias) {
    cl_weights *p = cl_zeroed(sizeof *p);
    if (!p) return NULL;
    p->k = k;
    p->cout = cout;
    p->blocks = blocks_of(cout);
    p->start = cl_zeroed(sizeof(int) * (size_t)p->blocks);
    p->width = cl_zeroed(sizeof(int) * (size_t)p->blocks);
    p->halves = cl_zeroed(sizeof(int) * (size_t)p->blocks);
    p->at = cl_zeroed(sizeof(long) * (size_t)p->blocks);
    /* The kernel prefetches one panel past the last. */
    p->w = cl_floats(((long)p->blocks + kernels->panel_blocks) * CL_BLOCK * k);
    p->bias = cl_floats((long)p->blocks * CL_BLOCK);
    if (!p->start || !p->width || !p->halves || !p->at || !p->w || !p->bias) {
        cl_weights_free(p);
        return NULL;
    }
    if (bias) memcpy(p->bias, bias, sizeof(float) * (size_t)cout);
    float *d = p->w;
    for (int c = 0; c < p->blocks;) {
        int left = p->blocks - c, width = imin(left, kernels->panel_blocks);
        if (kernels->panel_blocks == 3 && left == 4) width = 2; /* 2 + 2 is quicker than 3 + 1 */
        int end = c + width, halves = 2 * width - (end == p->blocks && cout % CL_BLOCK && cout % CL_BLOCK <= CL_HALF);
        p->start[p->panels] = c;
        p->width[p->panels] = width;
        p->halves[p->panels] = halves;
        p->at[p->panels++] = d - p->w;
        for (int i = 0; i < k; i++)
            for (int o = c * CL_BLOCK; o < c * CL_BLOCK + halves * CL_HALF; o++) *d++ = o < cout ? w[(long)o * k + i] : 0;
        c += width;
    }
    return p;
}
void cl_weights_free(cl_weights *p) {
    if (!p) return;
    cl_free(p->start);
    cl_free(p->width);
    cl_free(p->halves);
    cl_free(p->at);
    cl_free(p->w);
    cl_free(p->bias);
    cl_free(p);
}
