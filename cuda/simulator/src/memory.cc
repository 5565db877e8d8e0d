#include "memory.h"

#include <cstdlib>
#include <cstring>

namespace sim {

Memory memory;

static const u64 GAP = 8192, ALIGNMENT = 256;
static u64 roundUp(u64 v) { return (v + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT; }

u64 Memory::allocate(u64 bytes, const void* owner) {
	if (!bytes || bytes > total || used + bytes > total) return 0;
	u8* host = (u8*)aligned_alloc(ALIGNMENT, roundUp(bytes));
	if (!host) return 0;
	memset(host, 0xff, bytes);   // NaN: what nothing wrote shows in the result
	auto a = std::make_unique<Allocation>(Allocation{next, next + bytes, host, owner});
	u64 address = a->first;
	next = roundUp(a->end + GAP);
	used += bytes;
	all[address] = std::move(a);
	return address;
}

void Memory::release(u64 address) {
	auto found = all.find(address);
	if (found == all.end() || found->second->freed()) throw Fault{INVALID_VALUE, "free of an address where no allocation begins"};
	Allocation* a = found->second.get();
	used -= a->end - a->first;
	free(a->host);
	free(a->writers);
	a->host = nullptr;
	a->writers = nullptr;
}

void Memory::releaseAll(const void* owner) {
	for (auto& a : all)
		if (a.second->owner == owner && !a.second->freed()) release(a.first);
}

u64 Memory::liveOf(const void* owner) const {
	u64 n = 0;
	for (auto& a : all) n += a.second->owner == owner && !a.second->freed();
	return n;
}

Allocation* Memory::find(u64 address) {
	auto after = all.upper_bound(address);
	return after == all.begin() ? nullptr : std::prev(after)->second.get();
}

u8* Memory::at(u64 address, u64 bytes, const void* user) {
	Allocation* a = find(address);
	string what = "copy of " + std::to_string(bytes) + " bytes ";
	if (!a || address >= a->end) throw Fault{INVALID_VALUE, what + "at " + hex(address) + ", which no allocation holds"};
	if (bytes > a->end - address) throw Fault{INVALID_VALUE, what + "runs past an allocation of " + std::to_string(a->end - a->first)};
	if (a->freed()) throw Fault{INVALID_VALUE, what + "to or from freed memory"};
	if (user && a->owner && a->owner != user) throw Fault{INVALID_VALUE, what + "to or from memory of another context"};
	return a->host + (address - a->first);
}

}  // namespace sim
