#if defined(__x86_64__)
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")
#define ISA avx512
#define NAME "avx512"
#define VB 64
#define ROWS 6 /* 6 x 4 accumulators of 32 registers */
#include "kernels.h"
#endif
