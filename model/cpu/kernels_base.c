/* SSE2 on x86-64, NEON on arm64. */
#define ISA base
#define NAME "base"
#define VB 16
#define PANEL 1
#include "kernels.h"
