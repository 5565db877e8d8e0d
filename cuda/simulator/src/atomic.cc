// atom and red: add min max and or xor exch cas inc dec, on integers and floats.
#include <cmath>
#include <mutex>

#include "access.h"
#include "halffloat.h"
#include "lanes.h"
#include "opcode.h"
#include "values.h"

namespace sim {

enum Operation { ADD, MIN, MAX, AND, OR, XOR, EXCHANGE, COMPARE_AND_SWAP, INCREMENT, DECREMENT };

static u64 onFloats(const Instruction& i, u64 old, u64 b) {
	double x = floatValue(i.type, old), y = floatValue(i.type, b);
	if (i.type == F32 && i.mode == ADD) return bitsAs<u32>((float)x + (float)y);
	return floatBits(i.type, i.mode == ADD ? x + y : i.mode == MIN ? std::fmin(x, y) : std::fmax(x, y));
}
static u64 onPairs(const Instruction& i, u64 old, u64 b) {
	Type half = i.type == F16X2 ? F16 : BF16;
	auto sum = [&](int shift) { return floatBits(half, floatValue(half, (u16)(old >> shift)) + floatValue(half, (u16)(b >> shift))); };
	return sum(0) | sum(16) << 16;
}
static u64 onIntegers(const Instruction& i, u64 old, u64 b, u64 swap) {
	i64 x = integerValue(i.type, old), y = integerValue(i.type, b);
	bool less = isSigned(i.type) ? x < y : (u64)x < (u64)y;
	switch (i.mode) {
	case ADD: return (u64)x + (u64)y;
	case MIN: return less ? x : y;
	case MAX: return less ? y : x;
	case AND: return x & y;
	case OR: return x | y;
	case XOR: return x ^ y;
	case COMPARE_AND_SWAP: return old == b ? swap : old;
	case INCREMENT: return (u64)x >= (u64)y ? 0 : x + 1;
	case DECREMENT: return x == 0 || (u64)x > (u64)y ? y : x - 1;
	default: return b;
	}
}

// Lanes one after another; where several cores work at a launch, under a lock of the address.
static void atomic(Warp& w, Instruction& i, u32 lanes) {
	static std::mutex locks[64];
	u8* p[LANES];
	const int first = i.second ? 1 : 0, size = i.size;   // second: there is a result
	resolve(w, i, lanes, i.operand[first], i.offset, size, ATOMIC, p);
	EACH_ON(l, lanes) {
		std::unique_lock<std::mutex> hold;
		if (w.block->launch->shared) hold = std::unique_lock<std::mutex>(locks[(uintptr_t)p[l] >> 3 & 63]);
		u64 old = 0, b = w.get(i.operand[first + 1], l), swap = i.mode == COMPARE_AND_SWAP ? w.get(i.operand[first + 2], l) : 0;
		memcpy(&old, p[l], size);
		u64 r = i.mode == EXCHANGE ? b : isFloat(i.type) ? onFloats(i, old, b) : isPacked(i.type) ? onPairs(i, old, b) : onIntegers(i, old, b, swap);
		memcpy(p[l], &r, size);
		if (first) w.set(i.operand[0], l, old);
	}
}

bool chooseAtomic(Instruction& i, const Opcode& op) {
	if (op.name != "atom" && op.name != "red") return false;
	int mode = op.which({"add", "min", "max", "and", "or", "xor", "exch", "cas", "inc", "dec"});
	i.mode = mode;
	i.second = op.name == "atom";
	int wanted = (i.second ? 3 : 2) + (mode == COMPARE_AND_SWAP);
	if (mode < 0 || i.size < 2 || i.operands != wanted || op.has("v2") || op.has("v4")) return false;
	if ((isFloat(i.type) && mode > MAX) || (isPacked(i.type) && mode != ADD)) return false;
	return runs(i, atomic);
}

}  // namespace sim
