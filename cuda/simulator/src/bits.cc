// Logic, shifts and bit fields: and or xor not cnot lop3 shl shr shf prmt bfe bfi bfind brev popc clz.
#include "lanes.h"
#include "opcode.h"

namespace sim {

BINARY(And, (T)(a & b))
BINARY(Or, (T)(a | b))
BINARY(Xor, (T)(a ^ b))
UNARY(Not, (T)~a)
UNARY(LogicalNot, (T)(a == 0))
struct Reverse {
	template <class T> static T of(T a) {
		T r = 0;
		for (size_t j = 0; j < sizeof(T) * 8; j++) r |= (T)(a >> j & 1) << (sizeof(T) * 8 - 1 - j);
		return r;
	}
};
template <class Op> static Execute binaryOf(int bytes) { return bytes == 2 ? binary<u16, Op> : bytes == 4 ? binary<u32, Op> : binary<u64, Op>; }
template <class Op> static Execute unaryOf(int bytes) { return bytes == 2 ? unary<u16, Op> : bytes == 4 ? unary<u32, Op> : unary<u64, Op>; }

// Shifts by 32 bits' worth of any amount: what leaves the word is gone, .s keeps the sign.
template <class T> static void shiftLeft(Warp& w, Instruction& i, u32 lanes) {
	T *a = w.at<T>(i.operand[1]), r[LANES];
	u32* by = w.at<u32>(i.operand[2]);
	EACH_LANE(l) r[l] = by[l] >= sizeof(T) * 8 ? 0 : (T)(a[l] << by[l]);
	store(w.at<T>(i.operand[0]), r, lanes);
}
template <class T> static void shiftRight(Warp& w, Instruction& i, u32 lanes) {
	T *a = w.at<T>(i.operand[1]), r[LANES];
	u32* by = w.at<u32>(i.operand[2]);
	EACH_LANE(l) r[l] = by[l] >= sizeof(T) * 8 ? (a[l] < 0 ? (T)-1 : 0) : (T)(a[l] >> by[l]);
	store(w.at<T>(i.operand[0]), r, lanes);
}
static Execute shiftRightOf(Type t) {
	switch (t) {
	case S16: return shiftRight<i16>;
	case S32: return shiftRight<i32>;
	case S64: return shiftRight<i64>;
	case B16: case U16: return shiftRight<u16>;
	case B32: case U32: return shiftRight<u32>;
	default: return shiftRight<u64>;
	}
}

// The bit of the table at place abc, for each bit of a, b, c.
static void logicOfThree(Warp& w, Instruction& i, u32 lanes) {
	u32 *d = w.at<u32>(i.operand[0]), *a = w.at<u32>(i.operand[1]), *b = w.at<u32>(i.operand[2]), *c = w.at<u32>(i.operand[3]);
	u32 table = w.at<u32>(i.operand[4])[0];
	EACH_ON(l, lanes) {
		u32 r = 0;
		for (int j = 0; j < 8; j++)
			if (table >> j & 1) r |= (j & 4 ? a[l] : ~a[l]) & (j & 2 ? b[l] : ~b[l]) & (j & 1 ? c[l] : ~c[l]);
		d[l] = r;
	}
}

// shf: 32 bits out of the 64 of b:a. option: left, upper half; second: clamp the amount at 32 instead of wrapping it.
static void funnelShift(Warp& w, Instruction& i, u32 lanes) {
	u32 *d = w.at<u32>(i.operand[0]), *a = w.at<u32>(i.operand[1]), *b = w.at<u32>(i.operand[2]), *c = w.at<u32>(i.operand[3]);
	EACH_ON(l, lanes) {
		u32 n = i.second ? std::min(c[l], 32u) : c[l] & 31;
		u64 v = (u64)b[l] << 32 | a[l];
		d[l] = i.option ? v << n >> 32 : v >> n;
	}
}

// prmt: each nibble of c picks a byte of b:a, or with its top bit that byte's sign.
static void permute(Warp& w, Instruction& i, u32 lanes) {
	u32 *d = w.at<u32>(i.operand[0]), *a = w.at<u32>(i.operand[1]), *b = w.at<u32>(i.operand[2]), *c = w.at<u32>(i.operand[3]);
	EACH_ON(l, lanes) {
		u64 v = (u64)b[l] << 32 | a[l];
		u32 r = 0;
		for (int j = 0; j < 4; j++) {
			u32 pick = c[l] >> (4 * j) & 15, byte = v >> (8 * (pick & 7)) & 255;
			if (pick & 8) byte = byte & 128 ? 255 : 0;
			r |= byte << (8 * j);
		}
		d[l] = r;
	}
}

// bfe: len bits from pos on; above the word's end, and above len, .s copies the sign bit of the field.
static void extractField(Warp& w, Instruction& i, u32 lanes) {
	u32 *position = w.at<u32>(i.operand[2]), *length = w.at<u32>(i.operand[3]);
	const u32 bits = i.size * 8, top = bits - 1;
	EACH_ON(l, lanes) {
		u64 a = w.get(i.operand[1], l), r = 0;
		u32 pos = position[l] & 255, len = length[l] & 255;
		bool sign = isSigned(i.type) && len && (a >> std::min(pos + len - 1, top) & 1);
		for (u32 j = 0; j < bits; j++) {
			bool bit = j < len && pos + j < bits ? a >> (pos + j) & 1 : sign;
			r |= (u64)bit << j;
		}
		w.set(i.operand[0], l, r);
	}
}

// bfi: the low len bits of a into b from pos on.
static void insertField(Warp& w, Instruction& i, u32 lanes) {
	u32 *position = w.at<u32>(i.operand[3]), *length = w.at<u32>(i.operand[4]);
	const u32 bits = i.size * 8;
	EACH_ON(l, lanes) {
		u64 a = w.get(i.operand[1], l), r = w.get(i.operand[2], l);
		u32 pos = position[l] & 255, len = length[l] & 255;
		for (u32 j = 0; j < len && pos + j < bits; j++) r = (r & ~(1ull << (pos + j))) | (a >> j & 1) << (pos + j);
		w.set(i.operand[0], l, r);
	}
}

// bfind: the place of the highest bit that is not the sign; all ones when there is none. option: .shiftamt, counted from the top.
static void findBit(Warp& w, Instruction& i, u32 lanes) {
	u32* d = w.at<u32>(i.operand[0]);
	const int bits = i.size * 8;
	EACH_ON(l, lanes) {
		u64 a = w.get(i.operand[1], l);
		if (isSigned(i.type) && (a >> (bits - 1) & 1)) a = ~a & (bits == 64 ? ~0ull : 0xffffffffull);
		d[l] = a ? 63 - __builtin_clzll(a) : ~0u;
		if (a && i.option) d[l] = bits - 1 - d[l];
	}
}

static void countOnes(Warp& w, Instruction& i, u32 lanes) {
	u32* d = w.at<u32>(i.operand[0]);
	EACH_ON(l, lanes) d[l] = __builtin_popcountll(w.get(i.operand[1], l));
}
static void countLeadingZeros(Warp& w, Instruction& i, u32 lanes) {
	u32* d = w.at<u32>(i.operand[0]);
	const int bits = i.size * 8;
	EACH_ON(l, lanes) {
		u64 a = w.get(i.operand[1], l);
		d[l] = a ? __builtin_clzll(a) - (64 - bits) : bits;
	}
}

bool chooseBits(Instruction& i, const Opcode& op) {
	const string& n = op.name;
	if (i.type == PRED || i.size < 2) return false;
	if (n == "and") return runs(i, binaryOf<And>(i.size));
	if (n == "or") return runs(i, binaryOf<Or>(i.size));
	if (n == "xor") return runs(i, binaryOf<Xor>(i.size));
	if (n == "not") return runs(i, unaryOf<Not>(i.size));
	if (n == "cnot") return runs(i, unaryOf<LogicalNot>(i.size));
	if (n == "shl") return runs(i, i.size == 2 ? shiftLeft<u16> : i.size == 4 ? shiftLeft<u32> : shiftLeft<u64>);
	if (n == "shr") return runs(i, shiftRightOf(i.type));
	if (i.size < 4) return false;
	if (n == "lop3") return i.operands == 5 && runs(i, logicOfThree);
	if (n == "shf") {
		i.option = op.has("l");
		i.second = op.has("clamp");
		return runs(i, funnelShift);
	}
	if (n == "prmt") return op.suffixes.size() == 1 && runs(i, permute);
	if (n == "bfe") return runs(i, extractField);
	if (n == "bfi") return runs(i, insertField);
	if (n == "bfind") {
		i.option = op.has("shiftamt");
		return runs(i, findBit);
	}
	if (n == "brev") return runs(i, i.size == 4 ? unary<u32, Reverse> : unary<u64, Reverse>);
	if (n == "popc") return runs(i, countOnes);
	if (n == "clz") return runs(i, countLeadingZeros);
	return false;
}

}  // namespace sim
