#if defined(__x86_64__)
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")
#define ISA avx512
#define NAME "avx512"
#define VB 64
#define PANEL 3
#include "kernels.h"
#endif
