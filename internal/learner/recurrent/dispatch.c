#include "recurrent.h"
#include <string.h>

extern const struct rnn_kernels rnn_kernels_base;
#if defined(__x86_64__)
extern const struct rnn_kernels rnn_kernels_avx2, rnn_kernels_avx512;
#endif

static int wants(const char *isa, const char *name) { return !*isa || !strcmp(isa, name); }

const struct rnn_kernels *rnn_kernels_for(const char *isa) {
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (wants(isa, "avx512") && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
        return &rnn_kernels_avx512;
    if (wants(isa, "avx2") && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return &rnn_kernels_avx2;
#endif
    return wants(isa, "base") ? &rnn_kernels_base : 0;
}

/* Where output n of input k lies. */
static long place(int k, int inputs, int n, int outputs) {
    int blocks = (outputs + 15) / 16, panel = n / 64, wide = blocks - panel * 4;
    if (wide > 4) wide = 4;
    return (long)panel * inputs * 64 + (long)k * wide * 16 + n % 64;
}

void rnn_transpose(int k, int n, int i0, int i1, const float *w, float *wt) {
    memset(wt, 0, sizeof(float) * n * ((i1 - i0 + 15) / 16 * 16));
    for (int i = i0; i < i1; i++)
        for (int j = 0; j < n; j += 16) {
            const float *from = w + place(i, k, j, n);
            for (int u = 0; u < 16; u++) wt[place(j + u, n, i - i0, i1 - i0)] = from[u];
        }
}
