// From addresses to host pointers, with all checks.
#pragma once
#include "shadow.h"

namespace sim {

// Finds the bytes that the lanes access: base register + offset in the instruction's space. Faults on what is outside, freed,
// misaligned or a race.
void resolve(Warp& w, Instruction& i, u32 lanes, const Operand& base, i64 offset, int bytes, Access how, u8** pointers);

// Counts what an access costs beyond the least: replays by bank conflicts (shared), 32-byte sectors (global).
void countWaste(Instruction& i, u32 lanes, const u64* addresses, int bytes, bool shared);

}  // namespace sim
