#if defined(__x86_64__)
#pragma GCC target("avx2,fma")
#define ISA avx2
#define NAME "avx2"
#define VB 32
#define ROWS 3 /* 3 x 4 accumulators of 16 registers */
#include "kernels.h"
#endif
