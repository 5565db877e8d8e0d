/* Memory of the engine: counted, so that tests can see that all is given back, and failing on demand. */
#define _GNU_SOURCE
#include "internal.h"
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static atomic_long live, fail_in;
#define HEAD 64 /* keeps the size before the block, and the block aligned */

long cl_live_bytes(void) { return atomic_load(&live); }
long cl_fail_allocation(long n) { return atomic_exchange(&fail_in, n); }

void *cl_zeroed(size_t bytes) {
    if (atomic_load(&fail_in) > 0 && atomic_fetch_sub(&fail_in, 1) == 1) return NULL;
    size_t align = bytes >= 1 << 20 ? 2 << 20 : 64;
    if (bytes > (size_t)1 << 40) return NULL;
    size_t n = (bytes + HEAD + 4096 + align - 1) / align * align; /* kernels prefetch a little past the end */
    char *p = aligned_alloc(align, n);
    if (!p) return NULL;
    if (align > 64) madvise(p, n, MADV_HUGEPAGE); /* a tile touches a page a segment */
    memset(p, 0, n);
    *(size_t *)p = n;
    atomic_fetch_add(&live, (long)n);
    return p + HEAD;
}
float *cl_floats(long n) { return n < 0 ? NULL : cl_zeroed((size_t)n * sizeof(float)); }
void cl_free(void *p) {
    if (!p) return;
    char *head = (char *)p - HEAD;
    atomic_fetch_sub(&live, (long)*(size_t *)head);
    free(head);
}
float *cl_vector(long n) { return cl_floats(n); }
void cl_vector_free(float *p) { cl_free(p); }
