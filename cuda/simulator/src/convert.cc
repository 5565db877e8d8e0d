// cvt: between all types of numbers, with rounding, saturation, and to integral values.
#include <cfenv>
#include <cmath>
#include <limits>

#include "halffloat.h"
#include "lanes.h"
#include "opcode.h"
#include "values.h"

namespace sim {

double floatValue(Type t, u64 bits) {
	switch (t) {
	case F16: return floatOfHalf(bits);
	case BF16: return floatOfBfloat(bits);
	case F32: return bitsAs<float>((u32)bits);
	default: return bitsAs<double>(bits);
	}
}
i64 integerValue(Type t, u64 bits) {
	switch (t) {
	case S8: return (i8)bits;
	case S16: return (i16)bits;
	case S32: return (i32)bits;
	case U8: case B8: return (u8)bits;
	case U16: case B16: return (u16)bits;
	case U32: case B32: return (u32)bits;
	default: return (i64)bits;
	}
}

static int hostMode(Rounding r) { return r == TO_ZERO ? FE_TOWARDZERO : r == DOWN ? FE_DOWNWARD : r == UP ? FE_UPWARD : FE_TONEAREST; }
template <class From> static float roundedFloat(From v, Rounding r) {
	if (r == NEAREST) return (float)v;
	fesetround(hostMode(r));
	volatile From before = v;   // keep the conversion between the two changes of mode
	volatile float f = (float)before;
	fesetround(FE_TONEAREST);
	return f;
}
static double roundedToIntegral(double v, Rounding r) { return r == TO_ZERO ? trunc(v) : r == DOWN ? floor(v) : r == UP ? ceil(v) : nearbyint(v); }

u64 floatBits(Type t, double v, Rounding r) {
	if (t == F16) return halfOf(v);
	if (t == BF16) return bfloatOf(v);
	if (t == F64) return bitsAs<u64>(v);
	return bitsAs<u32>(roundedFloat(v, r));
}

template <class T> static u64 clamped(double v) {
	const double low = (double)std::numeric_limits<T>::min(), high = (double)std::numeric_limits<T>::max();
	return v <= low ? (u64)std::numeric_limits<T>::min() : v >= high ? (u64)std::numeric_limits<T>::max() : (u64)(T)v;
}
// Integers saturate; NaN becomes 0, or the lowest 64-bit integer.
static u64 toInteger(Type t, double v) {
	if (v != v) return widthOf(t) == 8 ? 1ull << 63 : 0;
	switch (t) {
	case S8: return clamped<i8>(v);
	case U8: return clamped<u8>(v);
	case S16: return clamped<i16>(v);
	case U16: return clamped<u16>(v);
	case S32: return clamped<i32>(v);
	case U32: return clamped<u32>(v);
	case S64: return clamped<i64>(v);
	default: return clamped<u64>(v);
	}
}
static u64 saturatedInteger(Type t, Type from, i64 v) {
	bool negative = isSigned(from) && v < 0;
	int bits = widthOf(t) * 8;
	u64 high = isSigned(t) ? (1ull << (bits - 1)) - 1 : bits == 64 ? ~0ull : (1ull << bits) - 1;
	if (!negative) return (u64)v > high ? high : (u64)v;
	if (!isSigned(t)) return 0;
	i64 low = -(i64)high - 1;
	return (u64)(v < low ? low : v);
}

// mode 1: float to an integral float (.rni and its like)
static u64 ofFloat(const Instruction& i, u64 bits) {
	double v = floatValue(i.from, bits);
	if (i.flush && i.from == F32) v = flushed((float)v);
	if (!isFloat(i.type)) return toInteger(i.type, roundedToIntegral(v, i.rounding));
	if (i.mode) v = roundedToIntegral(v, i.rounding);
	if (i.saturate) v = v != v ? 0 : std::fmin(std::fmax(v, 0.0), 1.0);
	if (i.option) v = v < 0 ? 0 : v;   // .relu
	u64 r = floatBits(i.type, v, i.mode ? NEAREST : i.rounding);
	return i.flush && i.type == F32 ? bitsAs<u32>(flushed(bitsAs<float>((u32)r))) : r;
}
static u64 ofInteger(const Instruction& i, u64 bits) {
	i64 v = integerValue(i.from, bits);
	if (!isFloat(i.type)) return i.saturate ? saturatedInteger(i.type, i.from, v) : (u64)integerValue(i.type, v);
	if (i.type == F32) return bitsAs<u32>(i.from == U64 ? roundedFloat((u64)v, i.rounding) : roundedFloat(v, i.rounding));
	return floatBits(i.type, i.from == U64 ? (double)(u64)v : (double)v, i.rounding);
}
static void convert(Warp& w, Instruction& i, u32 lanes) {
	bool fromFloat = isFloat(i.from);
	EACH_ON(l, lanes) {
		u64 bits = w.get(i.operand[1], l);
		w.set(i.operand[0], l, fromFloat ? ofFloat(i, bits) : ofInteger(i, bits));
	}
}

// The common ones without detours.
template <class To, class From> static void convertPlainly(Warp& w, Instruction& i, u32 lanes) {
	From* a = w.at<From>(i.operand[1]);
	To r[LANES];
	EACH_LANE(l) r[l] = (To)a[l];
	store(w.at<To>(i.operand[0]), r, lanes);
}

// cvt.rn.f16x2.f32 d, a, b: a is the upper half. option: .relu
static void convertPair(Warp& w, Instruction& i, u32 lanes) {
	u32* d = w.at<u32>(i.operand[0]);
	float *a = w.at<float>(i.operand[1]), *b = w.at<float>(i.operand[2]);
	auto half = [&](float v) { v = i.option && v < 0 ? 0 : v; return i.type == F16X2 ? halfOf(v) : bfloatOf(v); };
	EACH_ON(l, lanes) d[l] = (u32)half(a[l]) << 16 | half(b[l]);
}

// cvt.rna.tf32.f32: 10 bits of fraction, ties away from zero
static void convertTensorFloat(Warp& w, Instruction& i, u32 lanes) {
	u32 *d = w.at<u32>(i.operand[0]), *a = w.at<u32>(i.operand[1]);
	EACH_ON(l, lanes) d[l] = (a[l] & 0x7f800000) == 0x7f800000 ? a[l] : (a[l] + 0x1000) & 0xffffe000;
}

static Execute plainOf(const Instruction& i) {
	u8 to = i.operand[0].width, from = i.operand[1].width;
	if (i.saturate || i.flush || i.rounding || i.mode || i.option) return nullptr;
	if (to != widthOf(i.type) || from != widthOf(i.from)) return nullptr;
	bool wide = i.type == S64 || i.type == U64;
	if (wide && i.from == S32) return convertPlainly<i64, i32>;
	if (wide && i.from == U32) return convertPlainly<u64, u32>;
	if ((i.type == S32 || i.type == U32) && (i.from == S64 || i.from == U64)) return convertPlainly<u32, u64>;
	if (i.type == F32 && i.from == S32) return convertPlainly<float, i32>;
	if (i.type == F32 && i.from == U32) return convertPlainly<float, u32>;
	return nullptr;
}

bool chooseConvert(Instruction& i, const Opcode& op) {
	if (op.name != "cvt") return false;
	if (op.has("tf32")) return op.has("rna") && i.operands == 2 && runs(i, convertTensorFloat);
	i.option = op.has("relu");
	if (isPacked(i.type)) return i.from == F32 && i.operands == 3 && !i.rounding && runs(i, convertPair);
	if (i.operands != 2 || !i.type || !i.from || isPacked(i.from)) return false;
	i.mode = isFloat(i.type) && op.which({"rni", "rzi", "rmi", "rpi"}) >= 0;
	if ((i.type == F16 || i.type == BF16) && i.rounding && !i.mode) return false;   // halves are rounded to the nearest only
	Execute plain = plainOf(i);
	return runs(i, plain ? plain : convert);
}

}  // namespace sim
