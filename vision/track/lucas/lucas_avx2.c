#if defined(__x86_64__)
#pragma GCC target("avx2,fma")
#define EACH(name) name##_avx2
#include "kernels.h"
#endif
