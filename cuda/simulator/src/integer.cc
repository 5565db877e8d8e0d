// Integer arithmetic: add sub mul mad div rem min max abs neg, wide and high products, 24 bits, carries, dot products.
#include <type_traits>

#include "lanes.h"
#include "opcode.h"

namespace sim {

template <class T> using Unsigned = typename std::make_unsigned<T>::type;

BINARY(Add, (T)((Unsigned<T>)a + (Unsigned<T>)b))
BINARY(Subtract, (T)((Unsigned<T>)a - (Unsigned<T>)b))
BINARY(Multiply, (T)((u64)a * (u64)b))
TERNARY(MultiplyAdd, (T)((u64)a * (u64)b + (u64)c))
BINARY(Minimum, a < b ? a : b)
BINARY(Maximum, a > b ? a : b)
UNARY(Negate, (T)(0 - (Unsigned<T>)a))
UNARY(Absolute, a < 0 ? (T)(0 - (Unsigned<T>)a) : a)

// Division by zero gives all ones; the most negative number by -1 gives itself.
struct Divide {
	template <class T> static T of(T a, T b) {
		if (!b) return (T)-1;
		return std::is_signed<T>::value && b == (T)-1 ? (T)(0 - (Unsigned<T>)a) : a / b;
	}
};
struct Remainder {
	template <class T> static T of(T a, T b) {
		if (!b) return a;
		return std::is_signed<T>::value && b == (T)-1 ? 0 : a % b;
	}
};
struct MultiplyHigh {
	static u16 of(u16 a, u16 b) { return (u32)a * b >> 16; }
	static i16 of(i16 a, i16 b) { return (i32)a * b >> 16; }
	static u32 of(u32 a, u32 b) { return (u64)a * b >> 32; }
	static i32 of(i32 a, i32 b) { return (i64)a * b >> 32; }
	static u64 of(u64 a, u64 b) { return (unsigned __int128)a * b >> 64; }
	static i64 of(i64 a, i64 b) { return (__int128)a * b >> 64; }
};
struct MultiplyAddHigh {
	template <class T> static T of(T a, T b, T c) { return (T)((Unsigned<T>)MultiplyHigh::of(a, b) + (Unsigned<T>)c); }
};
// add.sat.s32 and sub.sat.s32 stop at the ends of the range.
static i32 clampToInt(i64 v) { return v > INT32_MAX ? INT32_MAX : v < INT32_MIN ? INT32_MIN : (i32)v; }
struct AddSaturated { static i32 of(i32 a, i32 b) { return clampToInt((i64)a + b); } };
struct SubtractSaturated { static i32 of(i32 a, i32 b) { return clampToInt((i64)a - b); } };
// mul24: the low or high 32 bits of the 48-bit product of the low 24 bits
struct Multiply24 {
	static u32 of(u32 a, u32 b) { return (u64)(a & 0xffffff) * (b & 0xffffff); }
	static i32 of(i32 a, i32 b) { return (i32)((i64)(a << 8 >> 8) * (b << 8 >> 8)); }
};

// mul.wide, mad.wide: the result is twice as wide as the factors.
template <class Wide, class T> static void wide(Warp& w, Instruction& i, u32 lanes) {
	Wide* d = w.at<Wide>(i.operand[0]);
	T *a = w.at<T>(i.operand[1]), *b = w.at<T>(i.operand[2]);
	bool adds = i.operands > 3;
	Wide* c = adds ? w.at<Wide>(i.operand[3]) : d;
	EACH_ON(l, lanes) d[l] = (Wide)((Unsigned<Wide>)((Wide)a[l] * (Wide)b[l]) + (adds ? (Unsigned<Wide>)c[l] : 0));
}

// add.cc addc sub.cc subc mad.cc madc of 32 bits. mode: 0 add, 1 subtract, 2 mad.lo, 3 mad.hi; second: takes the carry in;
// option: sets it.
static void withCarry(Warp& w, Instruction& i, u32 lanes) {
	u32 *d = w.at<u32>(i.operand[0]), *a = w.at<u32>(i.operand[1]), *b = w.at<u32>(i.operand[2]), out = 0;
	u32* c = i.operands > 3 ? w.at<u32>(i.operand[3]) : b;
	EACH_ON(l, lanes) {
		u32 in = i.second ? w.carry >> l & 1 : 0;
		u64 product = i.type == S32 ? (u64)((i64)(i32)a[l] * (i32)b[l]) : (u64)a[l] * b[l], r;
		if (i.mode == 0) r = (u64)a[l] + b[l] + in;
		else if (i.mode == 1) r = (u64)a[l] - b[l] - in;
		else r = (i.mode == 2 ? (u32)product : (u32)(product >> 32)) + (u64)c[l] + in;
		d[l] = (u32)r;
		out |= (u32)(r >> 32 & 1) << l;
	}
	if (i.option) w.carry = (w.carry & ~lanes) | out;
}

// dp4a: four products of bytes added to c. option: a's bytes are signed; second: b's.
static void dotOfBytes(Warp& w, Instruction& i, u32 lanes) {
	u32 *d = w.at<u32>(i.operand[0]), *a = w.at<u32>(i.operand[1]), *b = w.at<u32>(i.operand[2]), *c = w.at<u32>(i.operand[3]);
	auto byte = [](u32 v, int n, bool isSigned) { u8 x = v >> (8 * n); return isSigned ? (i32)(i8)x : (i32)x; };
	EACH_ON(l, lanes) {
		u32 sum = c[l];
		for (int n = 0; n < 4; n++) sum += (u32)(byte(a[l], n, i.option) * byte(b[l], n, i.second));
		d[l] = sum;
	}
}

template <class Op> static Execute binaryOf(Type t) {
	switch (t) {
	case U16: case B16: return binary<u16, Op>;
	case S16: return binary<i16, Op>;
	case U32: case B32: return binary<u32, Op>;
	case S32: return binary<i32, Op>;
	case U64: case B64: return binary<u64, Op>;
	case S64: return binary<i64, Op>;
	default: return nullptr;
	}
}
template <class Op> static Execute ternaryOf(Type t) {
	switch (t) {
	case U16: return ternary<u16, Op>;
	case S16: return ternary<i16, Op>;
	case U32: return ternary<u32, Op>;
	case S32: return ternary<i32, Op>;
	case U64: return ternary<u64, Op>;
	case S64: return ternary<i64, Op>;
	default: return nullptr;
	}
}
template <class Op> static Execute signedUnaryOf(Type t) {
	return t == S16 ? unary<i16, Op> : t == S32 ? unary<i32, Op> : t == S64 ? unary<i64, Op> : nullptr;
}
static Execute wideOf(Type t) {
	return t == U16 ? wide<u32, u16> : t == S16 ? wide<i32, i16> : t == U32 ? wide<u64, u32> : t == S32 ? wide<i64, i32> : nullptr;
}

static bool chooseCarry(Instruction& i, const Opcode& op) {
	if (i.size != 4) return false;
	i.mode = op.name[0] == 'a' ? 0 : op.name[0] == 's' ? 1 : op.has("hi") ? 3 : 2;
	i.second = op.name.back() == 'c';
	i.option = op.has("cc");
	return runs(i, withCarry);
}

bool chooseInteger(Instruction& i, const Opcode& op) {
	const string& n = op.name;
	Type t = i.type;
	if (op.has("cc") || n == "addc" || n == "subc" || n == "madc") return chooseCarry(i, op);
	if (n == "add") return runs(i, i.saturate ? t == S32 ? binary<i32, AddSaturated> : nullptr : binaryOf<Add>(t));
	if (n == "sub") return runs(i, i.saturate ? t == S32 ? binary<i32, SubtractSaturated> : nullptr : binaryOf<Subtract>(t));
	if (i.saturate) return false;
	if (n == "mul" && op.has("wide") || n == "mad" && op.has("wide")) return runs(i, wideOf(t));
	if (n == "mul") return runs(i, op.has("hi") ? binaryOf<MultiplyHigh>(t) : binaryOf<Multiply>(t));
	if (n == "mad") return runs(i, op.has("hi") ? ternaryOf<MultiplyAddHigh>(t) : ternaryOf<MultiplyAdd>(t));
	if (n == "mul24" && op.has("lo")) return runs(i, t == S32 ? binary<i32, Multiply24> : t == U32 ? binary<u32, Multiply24> : nullptr);
	if (n == "div") return runs(i, binaryOf<Divide>(t));
	if (n == "rem") return runs(i, binaryOf<Remainder>(t));
	if (n == "min") return runs(i, binaryOf<Minimum>(t));
	if (n == "max") return runs(i, binaryOf<Maximum>(t));
	if (n == "neg") return runs(i, signedUnaryOf<Negate>(t));
	if (n == "abs") return runs(i, signedUnaryOf<Absolute>(t));
	if (n == "dp4a") {
		i.option = i.type == S32;
		i.second = i.from == S32;
		return i.operands == 4 && runs(i, dotOfBytes);
	}
	return false;
}

}  // namespace sim
