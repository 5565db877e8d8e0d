#pragma GCC diagnostic ignored "-Wpsabi" /* vectors are passed between functions of this file alone */
#define EACH(name) name##_base
#include "kernels.h"
