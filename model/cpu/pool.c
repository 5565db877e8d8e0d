/* The thread pool: workers spin between the instructions of one inference and sleep between inferences. */
#define _GNU_SOURCE
#include "internal.h"
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <time.h>

/* A job is over when its tasks are done, not when every worker has looked in: a worker that the kernel has put aside delays nobody unless it
 * holds a task. job is tasks << 32 | next; a claim below `tasks` keeps fn and arg valid until it is done. */
struct cl_pool {
    int n;
    atomic_int quit, awake;
    pthread_t *threads;
    cl_room *rooms;
    int rooms_n;
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    cl_task fn;
    void *arg;
    atomic_ullong job;
    atomic_int done;
};
typedef struct {
    cl_pool *pool;
    int thread;
} worker;

double cl_now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1e6 + t.tv_nsec / 1e3;
}
/* How often a thread that waits looks before it lets others have the core for once. */
enum { YIELD = 300 };
static inline void relax(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}
static void work(cl_pool *p, int thread) {
    for (;;) {
        unsigned long long j = atomic_load_explicit(&p->job, memory_order_acquire);
        if ((unsigned)j >= (unsigned)(j >> 32)) return;
        if (!atomic_compare_exchange_weak(&p->job, &j, j + 1)) continue;
        p->fn(p->arg, (int)(unsigned)j, thread);
        atomic_fetch_add_explicit(&p->done, 1, memory_order_release);
    }
}
/* Microseconds that a worker stays awake after a run: enough for one that follows at once; the rest of the program wants the core too. */
enum { SPIN = 300 };
static void *worker_main(void *arg) {
    worker w = *(worker *)arg;
    cl_pool *p = w.pool;
    cl_free(arg);
    for (;;) {
        /* Stay on this core for a moment: a worker woken from sleep may land on its caller's core and stay there for milliseconds. */
        for (double t = cl_now(); !atomic_load(&p->awake) && !atomic_load(&p->quit) && cl_now() - t < SPIN;) relax();
        pthread_mutex_lock(&p->mutex);
        while (!atomic_load(&p->awake) && !atomic_load(&p->quit)) pthread_cond_wait(&p->wake, &p->mutex);
        pthread_mutex_unlock(&p->mutex);
        if (atomic_load(&p->quit)) return NULL;
        for (int i = 0; i < YIELD && atomic_load(&p->awake); i++) {
            work(p, w.thread);
            relax();
        }
        sched_yield();
    }
}
cl_pool *cl_pool_new(int threads) {
    cl_pool *p = cl_zeroed(sizeof *p);
    if (!p) return NULL;
    p->n = 1;
    pthread_mutex_init(&p->mutex, NULL);
    pthread_cond_init(&p->wake, NULL);
    p->threads = cl_zeroed(sizeof *p->threads * (size_t)imax(threads, 1));
    p->rooms_n = imax(threads, 1);
    p->rooms = cl_zeroed(sizeof *p->rooms * (size_t)p->rooms_n);
    if (!p->threads || !p->rooms) {
        cl_pool_free(p);
        return NULL;
    }
    for (int i = 1; i < threads; i++) {
        worker *w = cl_zeroed(sizeof *w);
        if (!w) break; /* fewer threads, the same results */
        *w = (worker){p, i};
        if (pthread_create(&p->threads[i], NULL, worker_main, w)) {
            cl_free(w);
            break;
        }
        p->n++;
    }
    return p;
}
int cl_pool_threads(const cl_pool *p) { return p ? p->n : 1; }
void cl_pool_wake(cl_pool *p, int on) {
    if (p->n == 1) return;
    pthread_mutex_lock(&p->mutex);
    atomic_store(&p->awake, on);
    if (on) pthread_cond_broadcast(&p->wake);
    pthread_mutex_unlock(&p->mutex);
}
void cl_pool_free(cl_pool *p) {
    if (!p) return;
    pthread_mutex_lock(&p->mutex);
    atomic_store(&p->quit, 1);
    pthread_cond_broadcast(&p->wake);
    pthread_mutex_unlock(&p->mutex);
    for (int i = 1; i < p->n; i++) pthread_join(p->threads[i], NULL);
    pthread_mutex_destroy(&p->mutex);
    pthread_cond_destroy(&p->wake);
    for (int t = 0; p->rooms && t < p->rooms_n; t++) {
        cl_free(p->rooms[t].arena);
        cl_free(p->rooms[t].scratch);
    }
    cl_free(p->rooms);
    cl_free(p->threads);
    cl_free(p);
}
static int room(float **p, long *have, long need) {
    if (*have >= need) return 0;
    cl_free(*p);
    *have = 0;
    *p = cl_floats(need);
    if (!*p) return -1;
    *have = need;
    return 0;
}
int cl_pool_room(cl_pool *p, int thread, long arena, long scratch) {
    cl_room *r = &p->rooms[thread];
    return room(&r->arena, &r->arena_n, arena) || room(&r->scratch, &r->scratch_n, scratch) ? -1 : 0;
}
cl_room *cl_pool_rooms(cl_pool *p) { return p->rooms; }
void cl_for(cl_pool *p, int n, cl_task fn, void *arg, int thread) {
    if (!p || p->n == 1 || n == 1) {
        for (int t = 0; t < n; t++) fn(arg, t, thread);
        return;
    }
    p->fn = fn;
    p->arg = arg;
    atomic_store(&p->done, 0);
    atomic_store_explicit(&p->job, (unsigned long long)n << 32, memory_order_release);
    work(p, thread);
    for (int i = 0; atomic_load_explicit(&p->done, memory_order_acquire) < n; i++) {
        relax();
        if (i % YIELD == YIELD - 1) sched_yield();
    }
}
