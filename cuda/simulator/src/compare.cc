// setp, set and testp.
#include <cmath>

#include "halffloat.h"
#include "lanes.h"
#include "opcode.h"

namespace sim {

// Those with U hold also when an operand is NaN.
enum Comparison { EQ, NE, LT, LE, GT, GE, EQU, NEU, LTU, LEU, GTU, GEU, NUMBERS, NANS };

template <class T> static u32 compare(const T* a, const T* b, int c) {
	u32 r = 0;
#define CASE(name, expression) case name: EACH_LANE(l) r |= (u32)(expression) << l; break;
	switch (c) {
	CASE(EQ, a[l] == b[l])
	CASE(NE, (a[l] < b[l]) | (a[l] > b[l]))
	CASE(LT, a[l] < b[l])
	CASE(LE, a[l] <= b[l])
	CASE(GT, a[l] > b[l])
	CASE(GE, a[l] >= b[l])
	CASE(EQU, !(a[l] < b[l]) & !(a[l] > b[l]))
	CASE(NEU, !(a[l] == b[l]))
	CASE(LTU, !(a[l] >= b[l]))
	CASE(LEU, !(a[l] > b[l]))
	CASE(GTU, !(a[l] <= b[l]))
	CASE(GEU, !(a[l] < b[l]))
	CASE(NUMBERS, a[l] == a[l] && b[l] == b[l])
	CASE(NANS, a[l] != a[l] || b[l] != b[l])
	}
#undef CASE
	return r;
}

// How operands are read: as they are, halves as floats, floats with subnormals as zero.
struct AsHalf { static float of(u16 v) { return floatOfHalf(v); } };
struct AsBfloat { static float of(u16 v) { return floatOfBfloat(v); } };
struct AsFlushed { static float of(float v) { return flushed(v); } };
template <class T, class Read> static u32 compareAs(const T* a, const T* b, int c) {
	float x[LANES], y[LANES];
	EACH_LANE(l) {
		x[l] = Read::of(a[l]);
		y[l] = Read::of(b[l]);
	}
	return compare(x, y, c);
}

static u32 compareOperands(Warp& w, const Instruction& i, Type t, const Operand& a, const Operand& b) {
#define AS(T) compare(w.at<T>(a), w.at<T>(b), i.mode)
	switch (t) {
	case F16: return compareAs<u16, AsHalf>(w.at<u16>(a), w.at<u16>(b), i.mode);
	case BF16: return compareAs<u16, AsBfloat>(w.at<u16>(a), w.at<u16>(b), i.mode);
	case F32: return i.flush ? compareAs<float, AsFlushed>(w.at<float>(a), w.at<float>(b), i.mode) : AS(float);
	case F64: return AS(double);
	case U16: case B16: return AS(u16);
	case S16: return AS(i16);
	case U32: case B32: return AS(u32);
	case S32: return AS(i32);
	case S64: return AS(i64);
	default: return AS(u64);
	}
#undef AS
}

// setp.lt.and.f32 p|q, a, b, c: p = (a < b) and c, q = !(a < b) and c
template <Type T> static void setPredicates(Warp& w, Instruction& i, u32 lanes) {
	int first = 1 + i.second;
	u32 p = compareOperands(w, i, T, i.operand[first], i.operand[first + 1]), q = ~p;
	if (i.combine) {
		u32 c = w.predicate(i.operand[first + 2]);
		if (i.negated) c = ~c;
		p = i.combine == 1 ? p & c : i.combine == 2 ? p | c : p ^ c;
		q = i.combine == 1 ? q & c : i.combine == 2 ? q | c : q ^ c;
	}
	w.setPredicate(i.operand[0], lanes, p);
	if (i.second) w.setPredicate(i.operand[1], lanes, q);
}

// set.lt.u32.f32 d, a, b: all ones or zeros; 1.0 or 0 when the result is a float
static void setRegister(Warp& w, Instruction& i, u32 lanes) {
	u32 p = compareOperands(w, i, i.from, i.operand[1], i.operand[2]);
	EACH_ON(l, lanes) w.set(i.operand[0], l, !isOn(p, l) ? 0 : i.type == F32 ? 0x3f800000u : ~0u);
}

// testp: mode 0 finite, 1 infinite, 2 number, 3 notanumber, 4 normal, 5 subnormal
static void testNumber(Warp& w, Instruction& i, u32 lanes) {
	u32 r = 0;
	EACH_ON(l, lanes) {
		int c = i.type == F32 ? std::fpclassify(w.at<float>(i.operand[1])[l]) : std::fpclassify(w.at<double>(i.operand[1])[l]);
		bool is[] = {c != FP_INFINITE && c != FP_NAN, c == FP_INFINITE, c != FP_NAN, c == FP_NAN, c == FP_NORMAL, c == FP_SUBNORMAL};
		r |= (u32)is[i.mode] << l;
	}
	w.setPredicate(i.operand[0], lanes, r);
}

static Execute setPredicatesOf(Type t) {
	switch (t) {
	case U16: case B16: return setPredicates<U16>;
	case S16: return setPredicates<S16>;
	case U32: case B32: return setPredicates<U32>;
	case S32: return setPredicates<S32>;
	case U64: case B64: return setPredicates<U64>;
	case S64: return setPredicates<S64>;
	case F16: return setPredicates<F16>;
	case BF16: return setPredicates<BF16>;
	case F32: return setPredicates<F32>;
	case F64: return setPredicates<F64>;
	default: return nullptr;
	}
}

bool chooseCompare(Instruction& i, const Opcode& op) {
	if (op.name == "testp") {
		int kind = op.which({"finite", "infinite", "number", "notanumber", "normal", "subnormal"});
		i.mode = kind;
		return kind >= 0 && (i.type == F32 || i.type == F64) && runs(i, testNumber);
	}
	if (op.name != "setp" && op.name != "set") return false;
	int c = op.which({"eq", "ne", "lt", "le", "gt", "ge", "equ", "neu", "ltu", "leu", "gtu", "geu", "num", "nan"});
	if (c < 0) {
		int u = op.which({"lo", "ls", "hi", "hs"});   // of unsigned numbers
		if (u < 0) return false;
		c = LT + u;
	}
	i.mode = c;
	i.combine = op.which({"and", "or", "xor"}) + 1;
	if (op.name == "setp") return runs(i, setPredicatesOf(i.type));
	return !i.combine && (i.type == U32 || i.type == S32 || i.type == F32) && setPredicatesOf(i.from) && runs(i, setRegister);
}

}  // namespace sim
