#include "shadow.h"

#include <cstdlib>
#include <mutex>

namespace sim {

static bool sameWarp(const Warp& w, u16 who) {
	if (who < WITHIN_WARP) return who / (u32)LANES == w.index;
	return who < BY_ATOMIC && (who & 0x7fffu) == w.index;
}
static bool unordered(const Warp& w, u16 me, u16 who, u32 when) {
	const Block& b = *w.block;
	return when >= b.lastBarrier && who != me && when >= (sameWarp(w, who) ? w.lastSync : b.lastBarrier);
}
static void noteRead(const Warp& w, Cell& c, u16 me) {
	const Block& b = *w.block;
	bool only = c.readTime < b.lastBarrier || c.reader == me;
	c.reader = only ? me : sameWarp(w, c.reader) ? WITHIN_WARP | w.index : MANY_WARPS;
	c.readTime = b.clock;
}

[[noreturn]] static void race(Warp& w, const Instruction& i, int lane, u64 at, const char* does, u16 who, const char* did) {
	string other = who < WITHIN_WARP ? "thread " + std::to_string(who) : "another thread";
	fault(w, i, lane, LAUNCH_FAILED,
	      "race in shared memory at byte " + std::to_string(at) + ": " + does + " what " + other + " " + did + ", with no barrier between");
}

// An access that is not the usual one: a write, or a read of what was written since the last barrier.
static void noteCell(Warp& w, const Instruction& i, int lane, u64 at, Cell& c, Access how) {
	const Block& b = *w.block;
	u16 me = w.index * LANES + lane;
	bool bothAtomic = how == ATOMIC && c.writer == BY_ATOMIC;
	if (!bothAtomic && unordered(w, me, c.writer, c.writeTime)) race(w, i, lane, at, how == READ ? "reads" : "writes", c.writer, "wrote");
	if (how != READ) {
		if (how == WRITE && unordered(w, me, c.reader, c.readTime)) race(w, i, lane, at, "writes", c.reader, "read");
		c.writeTime = b.clock;
		c.writer = how == ATOMIC ? BY_ATOMIC : me;
		return;
	}
	if (c.writeTime < b.start) fault(w, i, lane, LAUNCH_FAILED, "reads shared memory that nothing wrote, at byte " + std::to_string(at));
	noteRead(w, c, me);
}

// Reads of what was written before the last barrier, and writes over what nobody touched since, are most accesses by far.
void noteShared(Warp& w, const Instruction& i, u32 lanes, const u64* at, int bytes, Access how) {
	Block& b = *w.block;
	Cell* cells = b.cells.data();
	const u32 shift = b.launch->kernel->shadowShift, barrier = b.lastBarrier, start = b.start, now = b.clock;
	const u32 span = (bytes >> shift) + (bytes < 1 << shift);   // accesses are aligned: cells each of them covers
	EACH_ON(l, lanes) {
		const u16 me = w.index * LANES + l;
		Cell* c = cells + (at[l] >> shift);
		for (u32 n = 0; n < span; n++, c++) {
			bool before = c->writeTime < barrier;
			if (how == READ && before && c->writeTime >= start) {
				if (c->readTime < barrier || c->reader == me) {
					c->reader = me;
					c->readTime = now;
				} else noteRead(w, *c, me);
			} else if (how == WRITE && before && c->readTime < barrier) {
				c->writeTime = now;
				c->writer = me;
			} else noteCell(w, i, l, at[l], *c, how);
		}
	}
}

// ---- between blocks

static const int GRAIN = 2;   // bytes that a cell of the shadow stands for: a half, so that neighbours may be of two blocks

[[noreturn]] static void blockRace(Warp& w, const Instruction& i, int lane, u64 byte, Access how, u32 other) {
	fault(w, i, lane, LAUNCH_FAILED, string("race between blocks: ") + (how == READ ? "reads" : "writes") + " byte " + std::to_string(byte) +
	      " of an allocation, which block number " + std::to_string(other - 1) + " of this launch wrote");
}

void mustDiffer(Warp& w, const Instruction& i, u32 lanes, const u64* at, int bytes) {
	u64 least = 0;
	bool rising = true;
	EACH_ON(l, lanes) {
		rising &= at[l] >= least;
		least = at[l] + bytes;
	}
	if (rising) return;   // nearly always
	EACH_ON(l, lanes)
		EACH_ON(k, lanes)
			if (k < l && at[k] == at[l]) fault(w, i, l, LAUNCH_FAILED, "writes address " + hex(at[l]) + " at once with lane " + std::to_string(k) + " of its warp");
}

void noteGlobal(Warp& w, const Instruction& i, u32 lanes, const u64* at, int bytes, Access how, Allocation& a) {
	static std::mutex making;
	const u32 launch = w.block->launch->number, block = w.block->number;
	if (how == ATOMIC || bytes < GRAIN || (how == READ && a.lastWrite != launch)) return;
	if (how == WRITE && !__atomic_load_n(&a.writers, __ATOMIC_ACQUIRE)) {
		std::lock_guard<std::mutex> hold(making);
		if (!a.writers) __atomic_store_n(&a.writers, (u64*)calloc((a.end - a.first) / GRAIN + 1, sizeof(u64)), __ATOMIC_RELEASE);
	}
	if (!a.writers) return;   // no memory for it
	if (how == WRITE) a.lastWrite = launch;
	const u64 mine = (u64)launch << 32 | block;
	const int step = how == READ && bytes >= 4 ? 4 : GRAIN;
	EACH_ON(l, lanes) {
		for (u64 byte = at[l] - a.first, end = byte + bytes; byte < end; byte += step) {
			u64* cell = a.writers + byte / GRAIN;
			const u64 was = __atomic_load_n(cell, __ATOMIC_RELAXED);
			if (was >> 32 == launch && was != mine) blockRace(w, i, l, byte, how, (u32)was);
			if (how == WRITE) __atomic_store_n(cell, mine, __ATOMIC_RELAXED);
		}
	}
}

}  // namespace sim
