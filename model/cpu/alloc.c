/* Memory of the engine: counted, so that tests can see that all is given back, and failing on demand. */
#define _GNU_SOURCE
#include "internal.h"
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static atomic_long live, fail_in;
#define HEAD 64 /* keeps what is known of the block before it, and the block aligned */

long cl_live_bytes(void) { return atomic_load(&live); }
long cl_fail_allocation(long n) { return atomic_exchange(&fail_in, n); }

/* What is large comes from the kernel, zeroed page by page when it is first touched: a plan's memory is not written twice, and what a plan never uses
 * is never there. The sanitizer cannot watch over such memory, so that its builds take all of it from malloc. */
#define LARGE ((size_t)1 << 20)
#define HUGE_PAGE ((size_t)2 << 20)
#if defined(__SANITIZE_ADDRESS__)
static int from_kernel(size_t bytes) { return (void)bytes, 0; }
#else
static int from_kernel(size_t bytes) { return bytes >= LARGE; }
#endif
typedef struct { /* lies before the block */
    size_t n;
    char *start; /* of the mapping; NULL: malloc's */
    size_t mapped;
} head;

void *cl_zeroed(size_t bytes) {
    if (atomic_load(&fail_in) > 0 && atomic_fetch_sub(&fail_in, 1) == 1) return NULL;
    if (bytes > (size_t)1 << 40) return NULL;
    size_t align = from_kernel(bytes) ? HUGE_PAGE : HEAD;
    size_t n = (bytes + HEAD + 4096 + align - 1) / align * align; /* kernels prefetch a little past the end */
    head h = {n, NULL, n + HUGE_PAGE};
    char *p;
    if (from_kernel(bytes)) {
        h.start = mmap(NULL, h.mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (h.start == MAP_FAILED) return NULL;
        p = h.start + (HUGE_PAGE - (uintptr_t)h.start % HUGE_PAGE) % HUGE_PAGE;
        madvise(p, n, MADV_HUGEPAGE); /* a tile touches a page a segment */
    } else {
        p = aligned_alloc(HEAD, n);
        if (!p) return NULL;
        memset(p, 0, n);
    }
    *(head *)p = h;
    atomic_fetch_add(&live, (long)n);
    return p + HEAD;
}
float *cl_floats(long n) { return n < 0 ? NULL : cl_zeroed((size_t)n * sizeof(float)); }
void cl_free(void *p) {
    if (!p) return;
    head *h = (head *)((char *)p - HEAD);
    atomic_fetch_sub(&live, (long)h->n);
    if (h->start) munmap(h->start, h->mapped);
    else free(h);
}
float *cl_vector(long n) { return cl_floats(n); }
void cl_vector_free(float *p) { cl_free(p); }
