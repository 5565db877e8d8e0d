// Arithmetic of floats: f32 and f64 natively, f16 and bf16 (also in pairs) through double, rounded once.
#include <cfenv>
#include <cmath>

#include "halffloat.h"
#include "lanes.h"
#include "opcode.h"

namespace sim {

BINARY(Add, a + b)
BINARY(Subtract, a - b)
BINARY(Multiply, a * b)
BINARY(Divide, a / b)
TERNARY(MultiplyAdd, std::fma(a, b, c))
UNARY(Negate, -a)
UNARY(Absolute, std::fabs(a))
UNARY(SquareRoot, std::sqrt(a))
UNARY(InverseRoot, (T)1 / std::sqrt(a))
UNARY(Reciprocal, (T)1 / a)
UNARY(PowerOfTwo, std::exp2(a))
UNARY(LogarithmOfTwo, std::log2(a))
UNARY(Sine, std::sin(a))
UNARY(Cosine, std::cos(a))
UNARY(HyperbolicTangent, std::tanh(a))
BINARY(CopySign, std::copysign(b, a))
// min and max: a number wins over NaN; -0 is less than +0
BINARY(Minimum, a < b ? a : b < a ? b : a != a ? b : b != b ? a : std::signbit(a) ? a : b)
BINARY(Maximum, a > b ? a : b > a ? b : a != a ? b : b != b ? a : std::signbit(a) ? b : a)
// with .NaN: NaN wins
BINARY(MinimumNaN, a != a || b != b ? (T)NAN : Minimum::of(a, b))
BINARY(MaximumNaN, a != a || b != b ? (T)NAN : Maximum::of(a, b))

template <class T> static T toUnit(T v) { return v != v ? (T)0 : v < 0 ? (T)0 : v > 1 ? (T)1 : v; }   // .sat; NaN gives 0
template <class Op> struct Saturated {
	template <class... T> static auto of(T... a) { return toUnit(Op::of(a...)); }
};
// fma.relu: negative results become zero
template <class Op> struct Rectified {
	template <class... T> static auto of(T... a) { auto v = Op::of(a...); return v < 0 ? decltype(v)(0) : v; }
};
// .ftz: subnormal inputs and results are zero
template <class Op> struct Flushed {
	template <class... T> static float of(T... a) { return flushed(Op::of(flushed(a)...)); }
};
template <class Op> struct OfHalf {
	template <class... T> static u16 of(T... a) { return halfOf(Op::of((double)floatOfHalf(a)...)); }
};
template <class Op> struct OfBfloat {
	template <class... T> static u16 of(T... a) { return bfloatOf(Op::of((double)floatOfBfloat(a)...)); }
};
template <class Half> struct OfPair {
	template <class... T> static u32 of(T... a) { return Half::of((u16)a...) | (u32)Half::of((u16)(a >> 16)...) << 16; }
};

// .rz .rm .rp: the same function under another rounding mode of the host
template <Execute F, int MODE> static void rounded(Warp& w, Instruction& i, u32 lanes) {
	fesetround(MODE);
	asm volatile("" ::: "memory");
	F(w, i, lanes);
	asm volatile("" ::: "memory");
	fesetround(FE_TONEAREST);
}
template <Execute F> static Execute withRounding(Rounding r) {
	return r == TO_ZERO ? rounded<F, FE_TOWARDZERO> : r == DOWN ? rounded<F, FE_DOWNWARD> : r == UP ? rounded<F, FE_UPWARD> : F;
}

// Arity<T, Op> is one of unary, binary, ternary.
#define CHOOSE_BY_TYPE(name, arity)                                                                                       \
	template <class Op> static Execute name(const Instruction& i) {                                                       \
		switch (i.type) {                                                                                                 \
		case F32: return i.flush ? withRounding<arity<float, Flushed<Op>>>(i.rounding) : withRounding<arity<float, Op>>(i.rounding); \
		case F64: return withRounding<arity<double, Op>>(i.rounding);                                                     \
		case F16: return arity<u16, OfHalf<Op>>;                                                                          \
		case BF16: return arity<u16, OfBfloat<Op>>;                                                                       \
		case F16X2: return arity<u32, OfPair<OfHalf<Op>>>;                                                                \
		case BF16X2: return arity<u32, OfPair<OfBfloat<Op>>>;                                                             \
		default: return nullptr;                                                                                          \
		}                                                                                                                 \
	}
CHOOSE_BY_TYPE(unaryOf, unary)
CHOOSE_BY_TYPE(binaryOf, binary)
CHOOSE_BY_TYPE(ternaryOf, ternary)

// .approx as a device may do it: ex2 within a relative error of 2^-22, rcp by one unit of the last place (PTX manual); which way depends on the
// argument alone, so that a run is repeatable.
template <class Op, int UNITS> struct Rough {
	static float of(float a) {
		const float r = Op::of(a);
		u32 bits = bitsAs<u32>(r), hash = bitsAs<u32>(a) * 2654435761u;
		const u32 exponent = bits >> 23 & 255;
		if (a == 0 || exponent == 0 || exponent >= 254) return r;   // the manual's table is exact; near the edges it would become another kind of number
		bits += (int)(hash >> 24) % (2 * UNITS + 1) - UNITS;
		return bitsAs<float>(bits);
	}
};
template <class Op, int UNITS> static Execute roughOf(const Instruction& i) {
	if (!settings.rough || i.type != F32) return unaryOf<Op>(i);
	return i.flush ? unary<float, Flushed<Rough<Op, UNITS>>> : unary<float, Rough<Op, UNITS>>;
}

// neg and abs change the sign bit and nothing else, also of NaN and of pairs.
template <class T, int KIND> static void signBits(Warp& w, Instruction& i, u32 lanes) {
	const T sign = i.type == F16X2 || i.type == BF16X2 ? (T)0x80008000u : (T)1 << (sizeof(T) * 8 - 1);
	T *a = w.at<T>(i.operand[1]), r[LANES];
	EACH_LANE(l) r[l] = KIND ? a[l] & ~sign : a[l] ^ sign;
	store(w.at<T>(i.operand[0]), r, lanes);
}
template <int KIND> static Execute signBitsOf(const Instruction& i) {
	return i.size == 2 ? signBits<u16, KIND> : i.size == 4 ? signBits<u32, KIND> : signBits<u64, KIND>;
}

static Execute addOf(const Instruction& i) { return i.saturate ? binaryOf<Saturated<Add>>(i) : binaryOf<Add>(i); }
static Execute subtractOf(const Instruction& i) { return i.saturate ? binaryOf<Saturated<Subtract>>(i) : binaryOf<Subtract>(i); }
static Execute multiplyOf(const Instruction& i) { return i.saturate ? binaryOf<Saturated<Multiply>>(i) : binaryOf<Multiply>(i); }
static Execute fmaOf(const Instruction& i, const Opcode& op) {
	if (op.has("relu")) return ternaryOf<Rectified<MultiplyAdd>>(i);
	return i.saturate ? ternaryOf<Saturated<MultiplyAdd>>(i) : ternaryOf<MultiplyAdd>(i);
}

bool chooseFloat(Instruction& i, const Opcode& op) {
	if (!isFloat(i.type) && !isPacked(i.type)) return false;
	const string& n = op.name;
	bool nan = op.has("NaN");
	if (op.has("xorsign")) return false;
	if (n == "add") return runs(i, addOf(i));
	if (n == "sub") return runs(i, subtractOf(i));
	if (n == "mul") return runs(i, multiplyOf(i));
	if (n == "fma" || n == "mad") return runs(i, fmaOf(i, op));
	if (i.saturate || op.has("relu")) return false;
	if (n == "div") return runs(i, i.type == F32 || i.type == F64 ? binaryOf<Divide>(i) : nullptr);
	if (n == "min") return runs(i, nan ? binaryOf<MinimumNaN>(i) : binaryOf<Minimum>(i));
	if (n == "max") return runs(i, nan ? binaryOf<MaximumNaN>(i) : binaryOf<Maximum>(i));
	if (n == "neg") return runs(i, i.flush ? unaryOf<Negate>(i) : signBitsOf<0>(i));
	if (n == "abs") return runs(i, i.flush ? unaryOf<Absolute>(i) : signBitsOf<1>(i));
	if (n == "sqrt") return runs(i, unaryOf<SquareRoot>(i));
	if (n == "rsqrt") return runs(i, unaryOf<InverseRoot>(i));
	if (n == "rcp") return runs(i, op.has("approx") ? roughOf<Reciprocal, 1>(i) : unaryOf<Reciprocal>(i));
	if (n == "ex2") return runs(i, roughOf<PowerOfTwo, 2>(i));
	if (n == "lg2") return runs(i, unaryOf<LogarithmOfTwo>(i));
	if (n == "sin") return runs(i, unaryOf<Sine>(i));
	if (n == "cos") return runs(i, unaryOf<Cosine>(i));
	if (n == "tanh") return runs(i, unaryOf<HyperbolicTangent>(i));
	if (n == "copysign") return runs(i, binaryOf<CopySign>(i));
	return false;
}

}  // namespace sim
