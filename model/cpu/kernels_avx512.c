#if defined(__x86_64__)
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")
#define ISA avx512
#define NAME "avx512"
#define VB 64
#define PANEL 3
#include "kernels.h"

#if defined(__ELF__)
/* The same on an AMD, with tiles in assembler (tiles_zen4.S). */
#include "tiles_zen4.h"
#include <stddef.h>
#define OFFSET(field, at) _Static_assert(offsetof(struct cl_tiles, field) == at, #field " lies elsewhere than the assembler thinks")
OFFSET(a, CL_TILES_A); OFFSET(w, CL_TILES_W); OFFSET(bias, CL_TILES_BIAS); OFFSET(res, CL_TILES_RES); OFFSET(out, CL_TILES_OUT);
OFFSET(off, CL_TILES_OFF); OFFSET(next, CL_TILES_NEXT); OFFSET(out_block, CL_TILES_OUT_BLOCK); OFFSET(res_block, CL_TILES_RES_BLOCK);
OFFSET(segments, CL_TILES_SEGMENTS); OFFSET(full, CL_TILES_FULL); OFFSET(kseg, CL_TILES_KSEG); OFFSET(klast, CL_TILES_KLAST);
OFFSET(count, CL_TILES_COUNT); OFFSET(lines, CL_TILES_LINES); OFFSET(lda, CL_TILES_LDA); OFFSET(step, CL_TILES_STEP); OFFSET(lo, CL_TILES_LO); OFFSET(hi, CL_TILES_HI);

typedef void (*tiles_fn)(const struct cl_tiles *);
#define TO5(X, H) TO4(X, H) X(5, H)
#define DECLARE(M, H) void cl_tiles_##M##x##H(const struct cl_tiles *);
#define NAMED(M, H) cl_tiles_##M##x##H,
TO6(DECLARE, 1) TO6(DECLARE, 2) TO6(DECLARE, 3) TO6(DECLARE, 4) TO5(DECLARE, 5) TO5(DECLARE, 6)
static const tiles_fn rows_of[][7] = {{0}, {0, TO6(NAMED, 1)}, {0, TO6(NAMED, 2)}, {0, TO6(NAMED, 3)}, {0, TO6(NAMED, 4)}, {0, TO5(NAMED, 5)}, {0, TO5(NAMED, 6)}};

/* Row after row where the output keeps them apart, all pixels in one row otherwise: in each, tiles of two sizes, the larger ones first. */
static void gemm_zen4(const struct cl_gemm *g, int halves, const float *a, const float *w, const float *bias, const float *res, float *out,
                      long out_block, long res_block, int pixels, int wide, long gap) {
    const int tall = halves > 4 ? 5 : 6;
    if (!gap) wide = pixels;
    const int n = (wide + tall - 1) / tall, rows = pixels / wide, least = wide / n, larger = wide - least * n;
    const float *next = w + ((long)g->full * g->kseg + (long)(g->nseg - g->full) * g->klast) * halves * CL_HALF;
    struct cl_tiles t = {a, w, bias, res, out, g->off, next, out_block * (long)sizeof(float), res_block * (long)sizeof(float), g->nseg, g->full,
                         g->kseg, g->klast, 0, (CL_HALF * halves + n * rows - 1) / (n * rows), g->lda * (long)sizeof(float), 0, g->lo, g->hi};
    for (int row = 0; row < rows; row++, t.out += gap)
        for (int more = 1; more >= 0; more--) {
            if (!(t.count = more ? larger : n - larger)) continue;
            t.step = t.lda * (least + more);
            rows_of[halves][least + more](&t);
            const long done = t.count * (least + more);
            t.a += done * g->lda, t.out += done * CL_BLOCK, t.next += t.count * t.lines * t.segments * 16;
            if (res) t.res += done * CL_BLOCK;
        }
}
const struct cl_kernels cl_kernels_zen4 = KERNELS("zen4", 5, gemm_zen4);
#endif
#endif
