// Races: in shared memory by a shadow of the last write and the last read of each cell, between blocks by one of the last writes.
#pragma once
#include "warp.h"

namespace sim {

// Who accessed a cell: a thread of the block, several lanes of one warp, several warps, or atomics.
const u16 MANY_WARPS = 0xffff, BY_ATOMIC = 0xfffe, WITHIN_WARP = 0x8000;

enum Access { READ, WRITE, ATOMIC };

// Notes an access of lanes to bytes [at, at+bytes) of shared memory, each its own; faults on a race or on a read of what nothing
// wrote. Two accesses are in order when a barrier stands between them, or a synchronisation of the warp when both are of it.
void noteShared(Warp& w, const Instruction& i, u32 lanes, const u64* at, int bytes, Access how);

// Faults where two lanes store to one place of global memory at once: which of them is kept is not said.
void mustDiffer(Warp& w, const Instruction& i, u32 lanes, const u64* at, int bytes);

// Likewise for accesses to an allocation in global memory: faults where a block reads or overwrites what another block of the same launch
// wrote. Atomics are left out. Nothing but reading first and writing later slips through: another order of blocks shows that.
void noteGlobal(Warp& w, const Instruction& i, u32 lanes, const u64* at, int bytes, Access how, Allocation& a);

}  // namespace sim
