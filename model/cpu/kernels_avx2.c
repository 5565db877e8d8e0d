#if defined(__x86_64__)
#pragma GCC target("avx2,fma")
#define ISA avx2
#define NAME "avx2"
#define VB 32
#define PANEL 1
#include "kernels.h"
#endif
