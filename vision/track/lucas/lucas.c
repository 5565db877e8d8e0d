/* Which kernels this machine runs. */
#include "lucas.h"

#define DECLARE(isa) \
    void cl_lucas_halve_##isa(const unsigned char *, int, int, unsigned char *); \
    void cl_lucas_follow_##isa(const cl_lucas_plane *, const cl_lucas_plane *, int, const float *, int, float, float *, unsigned char *);
DECLARE(base)
int cl_lucas_plain;

#if defined(__x86_64__)
DECLARE(avx2)
#define CALL(function, ...) (!cl_lucas_plain && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? function##_avx2(__VA_ARGS__) : function##_base(__VA_ARGS__))
#else
#define CALL(function, ...) function##_base(__VA_ARGS__)
#endif

void cl_lucas_halve(const unsigned char *in, int w, int h, unsigned char *out) { CALL(cl_lucas_halve, in, w, h, out); }
void cl_lucas_follow(const cl_lucas_plane *a, const cl_lucas_plane *b, int levels, const float *points, int n, float back, float *moved, unsigned char *ok) {
    CALL(cl_lucas_follow, a, b, levels, points, n, back, moved, ok);
}
