#include "halffloat.h"

#include <algorithm>

namespace sim {

u16 halfOf(double v) {
	u16 sign = bitsAs<u64>(v) >> 48 & 0x8000;
	double a = fabs(v);
	if (a != a) return 0x7fff;                          // the one NaN that PTX conversions give
	if (a == 0) return sign;
	if (a >= 65520) return sign | 0x7c00;               // half way between the greatest, 65504, and the next
	int exponent;
	frexp(a, &exponent);
	int unit = std::max(exponent - 11, -24);            // the last place weighs 2^unit
	double n = nearbyint(ldexp(a, -unit));
	if (unit == -24) return sign | (u16)n;              // subnormal, or just become 2^-14
	return sign | (u16)(((unit + 25) << 10) + (int)(n - 1024));   // a carry moves into the exponent
}

// A double that is no float is rounded to odd first, so that the second rounding sees on which side of a tie it lies.
u16 bfloatOf(double v) {
	if (v != v) return 0x7fff;
	float f = (float)v;
	u32 bits = bitsAs<u32>(f);
	if ((double)f != v && std::isfinite(f)) {
		if (fabs((double)f) > fabs(v)) bits--;
		bits |= 1;
	}
	return (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
}

}  // namespace sim
