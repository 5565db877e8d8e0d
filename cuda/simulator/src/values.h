// Bits of a register as a number, and back.
#pragma once
#include "kernel.h"

namespace sim {

double floatValue(Type t, u64 bits);                           // f16 bf16 f32 f64
i64 integerValue(Type t, u64 bits);                            // extended by sign or zeros; u64 keeps its bits
u64 floatBits(Type t, double v, Rounding r = NEAREST);

}  // namespace sim
