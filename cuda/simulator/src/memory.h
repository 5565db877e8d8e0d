// The device's global memory.
#pragma once
#include <map>
#include <memory>

#include "types.h"

namespace sim {

struct Allocation {
	u64 first, end;            // device addresses
	u8* host;                  // null when freed
	const void* owner;         // the context it belongs to; null: a module's variable
	u64* writers = nullptr;    // which block of which launch wrote each 2 bytes last, see noteGlobal; null: none yet
	u32 lastWrite = 0;         // the number of the launch that wrote last
	bool freed() const { return !host; }
};

// Every allocation is followed by a gap of addresses and never gives its addresses to another, so that an access beyond it, or
// after it was freed, is always found.
class Memory {
public:
	u64 total = 8ull << 30, used = 0;

	u64 allocate(u64 bytes, const void* owner);   // 0: not enough left
	void release(u64 address);                    // throws Fault unless an allocation begins there
	void releaseAll(const void* owner);
	u64 liveOf(const void* owner) const;          // allocations not released
	Allocation* find(u64 address);                // the one that begins at or before the address; may end before it
	// For copies: throws Fault unless one allocation holds them all, and is of this context (null: of any).
	u8* at(u64 address, u64 bytes, const void* user = nullptr);

private:
	std::map<u64, std::unique_ptr<Allocation>> all;   // by first address; freed ones stay
	u64 next = DEVICE_BASE;
};
extern Memory memory;

}  // namespace sim
