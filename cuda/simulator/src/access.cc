#include "access.h"

#include "lanes.h"
#include "opcode.h"
#include "values.h"

namespace sim {

namespace {
// So many bytes at an address, which may be any number, do not lie within size.
bool outside(u64 at, int bytes, u64 size) { return at > size || (u64)bytes > size - at; }

// One access of a warp while it is resolved.
struct Resolving {
	Warp& w;
	Instruction& i;
	u32 lanes;
	int bytes;
	Access how;
	u8** pointers;
	u64 addresses[LANES];

	const char* verb() const { return how == READ ? "reads" : "writes"; }
	void read(const Operand& base, i64 offset) {
		if (base.width == 8) EACH_LANE(l) addresses[l] = w.at<u64>(base)[l] + offset;
		else EACH_LANE(l) addresses[l] = (u64)w.at<u32>(base)[l] + offset;
	}
	bool allInLastUsed();
	bool allInShared();
	void one(int lane);
	void inShared(int lane, u64 at);
	void inGlobal(int lane, u64 at);
};
}  // namespace

// The usual case: all lanes in the allocation that the instruction used last, all aligned.
bool Resolving::allInLastUsed() {
	Allocation* h = i.lastUsed;
	if (!h || h->freed()) return false;
	u64 low = ~0ull, high = 0, bits = 0;
	EACH_LANE(l) {
		u64 a = addresses[l];
		bool on = isOn(lanes, l);
		low = on && a < low ? a : low;
		high = on && a > high ? a : high;
		bits |= on ? a : 0;
	}
	if (low < h->first || outside(high, bytes, h->end) || (bits & (bytes - 1))) return false;
	EACH_LANE(l) pointers[l] = (u8*)((uintptr_t)h->host + (addresses[l] - h->first));   // lanes that are off point anywhere
	if (settings.races) noteGlobal(w, i, lanes, addresses, bytes, how, *h);
	return true;
}

bool Resolving::allInShared() {
	u64 high = 0, bits = 0;
	EACH_LANE(l) {
		u64 a = isOn(lanes, l) ? addresses[l] : 0;
		high = a > high ? a : high;
		bits |= a;
	}
	vector<u8>& shared = w.block->shared;
	if (outside(high, bytes, shared.size()) || (bits & (bytes - 1))) return false;
	EACH_LANE(l) pointers[l] = (u8*)((uintptr_t)shared.data() + addresses[l]);
	if (settings.races) noteShared(w, i, lanes, addresses, bytes, how);
	return true;
}

void Resolving::inShared(int lane, u64 at) {
	vector<u8>& shared = w.block->shared;
	if (outside(at, bytes, shared.size()))
		fault(w, i, lane, ILLEGAL_ADDRESS, string(verb()) + " byte " + std::to_string(at) + " of " + std::to_string(shared.size()) + " bytes of shared memory");
	pointers[lane] = &shared[at];
	addresses[lane] = at;
	if (settings.races) noteShared(w, i, 1u << lane, addresses, bytes, how);
}

void Resolving::inGlobal(int lane, u64 at) {
	Allocation* h = memory.find(at);
	if (!h || at >= h->end + 4096) fault(w, i, lane, ILLEGAL_ADDRESS, string(verb()) + " address " + hex(at) + ", which no allocation holds");
	string where = " byte " + std::to_string(at - h->first) + " of ";
	if (at + bytes > h->end) fault(w, i, lane, ILLEGAL_ADDRESS, verb() + where + "an allocation of " + std::to_string(h->end - h->first));
	if (h->freed()) fault(w, i, lane, ILLEGAL_ADDRESS, verb() + where + "freed memory");
	const void* owner = w.block->launch->owner;
	if (h->owner && owner && h->owner != owner) fault(w, i, lane, ILLEGAL_ADDRESS, verb() + where + "memory of another context");
	pointers[lane] = h->host + (at - h->first);
	i.lastUsed = h;
	if (settings.races) noteGlobal(w, i, 1u << lane, addresses, bytes, how, *h);
}

// One lane, with a message for each way to fail.
void Resolving::one(int lane) {
	const Launch& launch = *w.block->launch;
	const u64 localBytes = launch.kernel->localBytes, parameterBytes = launch.kernel->parameterBytes;
	u64 at = addresses[lane];
	Space space = i.space;
	if (space == GENERIC) {
		space = GLOBAL;
		if (at >= PARAM_BASE && at < PARAM_BASE + (1 << 20)) at -= PARAM_BASE, space = PARAM;
		else if (at >= LOCAL_BASE && at < PARAM_BASE) at -= LOCAL_BASE, space = LOCAL;
		else if (at >= SHARED_BASE && at < LOCAL_BASE) at -= SHARED_BASE, space = SHARED;
	}
	if (at & (bytes - 1)) fault(w, i, lane, MISALIGNED_ADDRESS, "address " + hex(at) + " is not a multiple of " + std::to_string(bytes));
	switch (space) {
	case SHARED: return inShared(lane, at);
	case LOCAL:
		if (outside(at, bytes, localBytes)) fault(w, i, lane, ILLEGAL_ADDRESS, string(verb()) + " outside local memory");
		pointers[lane] = &w.local[lane * localBytes + at];
		return;
	case PARAM:
		if (outside(at, bytes, parameterBytes) || how != READ) fault(w, i, lane, ILLEGAL_ADDRESS, string(verb()) + " outside the parameters");
		pointers[lane] = (u8*)launch.parameters + at;
		return;
	default: return inGlobal(lane, at);
	}
}

void resolve(Warp& w, Instruction& i, u32 lanes, const Operand& base, i64 offset, int bytes, Access how, u8** pointers) {
	Resolving r{w, i, lanes, bytes, how, pointers, {}};
	r.read(base, offset);
	if (settings.statistics && (i.space == SHARED || i.space == GLOBAL)) countWaste(i, lanes, r.addresses, bytes, i.space == SHARED);
	if (settings.races && how == WRITE && i.space == GLOBAL) mustDiffer(w, i, lanes, r.addresses, bytes);
	if ((i.space == GLOBAL || i.space == GENERIC) && r.allInLastUsed()) return;
	if (i.space == SHARED && r.allInShared()) return;
	EACH_ON(l, lanes) r.one(l);
}

// ---- ld and st

static bool inOneRow(u8** p, size_t bytes) {
	bool row = true;
	for (int l = 1; l < LANES; l++) row &= p[l] == p[0] + l * bytes;
	return row;
}

// Pointers of lanes that are off are not valid.
static void load(Warp& w, Instruction& i, u32 lanes) {
	u8* p[LANES];
	const int n = i.vector, size = i.size;
	resolve(w, i, lanes, i.operand[n], i.offset, size * n, READ, p);
	for (int j = 0; j < n; j++) {
		const Operand& d = i.operand[j];
		if (size == 4 && d.width == 4) {
			u32* to = w.at<u32>(d);
			if (n == 1 && lanes == ALL_LANES && inOneRow(p, 4)) {
				memcpy(to, p[0], 4 * LANES);
				continue;
			}
			EACH_ON(l, lanes) memcpy(&to[l], p[l] + 4 * j, 4);
			continue;
		}
		EACH_ON(l, lanes) {
			u64 v = 0;
			memcpy(&v, p[l] + size * j, size);
			w.set(d, l, isSigned(i.type) ? (u64)integerValue(i.type, v) : v);
		}
	}
}

static void storeValues(Warp& w, Instruction& i, u32 lanes) {   // [address], values
	u8* p[LANES];
	const int n = i.vector, size = i.size;
	resolve(w, i, lanes, i.operand[0], i.offset, size * n, WRITE, p);
	for (int j = 0; j < n; j++) {
		const Operand& s = i.operand[1 + j];
		if (size == 4 && s.width == 4) {
			u32* from = w.at<u32>(s);
			EACH_ON(l, lanes) memcpy(p[l] + 4 * j, &from[l], 4);
			continue;
		}
		EACH_ON(l, lanes) {
			u64 v = w.get(s, l);
			memcpy(p[l] + size * j, &v, size);
		}
	}
}

// Parameters are the same for all lanes.
static void loadParameter(Warp& w, Instruction& i, u32 lanes) {
	const int n = i.vector, size = i.size;
	u64 at = w.at<u64>(i.operand[n])[firstOf(lanes)] + i.offset;
	const Launch& launch = *w.block->launch;
	if (at + size * n > launch.kernel->parameterBytes) fault(w, i, firstOf(lanes), ILLEGAL_ADDRESS, "reads outside the parameters");
	for (int j = 0; j < n; j++) {
		u64 v = 0;
		memcpy(&v, launch.parameters + at + size * j, size);
		if (isSigned(i.type)) v = integerValue(i.type, v);
		EACH_ON(l, lanes) w.set(i.operand[j], l, v);
	}
}

bool chooseMemory(Instruction& i, const Opcode& op) {
	if (op.name != "ld" && op.name != "ldu" && op.name != "st") return false;
	int vector = op.has("v2") ? 2 : op.has("v4") ? 4 : 1;
	bool isStore = op.name == "st";
	if (!i.size || i.vector != vector || i.operands != vector + 1 || vector * i.size > 16) return false;
	if (i.space == PARAM) return !isStore && i.operand[vector].width == 8 && runs(i, loadParameter);
	return runs(i, isStore ? storeValues : load);
}

}  // namespace sim
