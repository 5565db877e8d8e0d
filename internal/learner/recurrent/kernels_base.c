/* SSE2 on x86-64, NEON on arm64. */
#define ISA base
#define NAME "base"
#define VB 16
#if defined(__aarch64__)
#define ROWS 6
#else
#define ROWS 2
#endif
#include "kernels.h"
