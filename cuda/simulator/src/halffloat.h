// 16-bit floats: f16 (IEEE binary16) and bf16, by rounding to the nearest, ties to even.
#pragma once
#include <cmath>
#include <cstring>

#include "types.h"

namespace sim {

template <class To, class From> inline To bitsAs(From v) {
	static_assert(sizeof(To) == sizeof(From), "same width");
	To r;
	memcpy(&r, &v, sizeof r);
	return r;
}

inline float floatOfHalf(u16 h) {
	u32 sign = (h & 0x8000u) << 16, exponent = h >> 10 & 31, fraction = h & 1023;
	if (exponent == 31) return bitsAs<float>(sign | 0x7f800000u | fraction << 13);
	if (exponent) return bitsAs<float>(sign | (exponent + 112) << 23 | fraction << 13);
	return bitsAs<float>(sign | bitsAs<u32>(fraction * 0x1p-24f));
}
inline float floatOfBfloat(u16 b) { return bitsAs<float>((u32)b << 16); }

u16 halfOf(double v);     // rounded once, from any float or double
u16 bfloatOf(double v);   // rounded once, from any float or double

inline float flushed(float v) { return fabsf(v) < 0x1p-126f ? copysignf(0, v) : v; }   // .ftz: subnormals are zero

}  // namespace sim
