#include "../src/halffloat.h"
#include "check.h"

using namespace sim;

TEST(everyHalfSurvives) {
	for (u32 h = 0; h < 0x10000; h++) {
		float f = floatOfHalf(h);
		u16 back = halfOf(f);
		if ((h & 0x7fff) > 0x7c00) CHECK(f != f && back == 0x7fff);
		else if (back != h) failed(__FILE__, __LINE__, "half " + hex(h) + " comes back as " + hex(back));
	}
}

// The definition itself: the nearest of the two neighbours, the even one when both are as near.
TEST(halvesAreRoundedToTheNearest) {
	u32 seed = 1;
	for (int n = 0; n < 2000000; n++) {
		seed = seed * 1664525 + 1013904223;
		float v = bitsAs<float>((seed & 0x80000000u) | (0x33000000u + seed % 0x14800000u));   // 2^-25 to 2^16
		u16 h = halfOf(v), magnitude = h & 0x7fff;
		if (magnitude >= 0x7c00) {
			CHECK(fabsf(v) >= 65520);
			continue;
		}
		double d = fabs((double)floatOfHalf(magnitude) - fabsf(v));
		double below = magnitude ? fabs((double)floatOfHalf(magnitude - 1) - fabsf(v)) : 1, above = magnitude < 0x7bff ? fabs((double)floatOfHalf(magnitude + 1) - fabsf(v)) : 1e9;
		bool nearest = d <= below && d <= above, evenOfTwo = (d < below && d < above) || !(magnitude & 1);
		if (!nearest || !evenOfTwo) failed(__FILE__, __LINE__, "half of " + std::to_string(v));
	}
}

TEST(bfloatsAreRoundedToTheNearest) {
	EQUAL(bfloatOf(1.0), 0x3f80);
	EQUAL(bfloatOf(bitsAs<float>(0x3f808000u)), 0x3f80);        // tie to even
	EQUAL(bfloatOf(bitsAs<float>(0x3f818000u)), 0x3f82);
	EQUAL(bfloatOf(1.00390625 + 1e-12), 0x3f81);                // a double just above a tie: one rounding, not two
	EQUAL(bfloatOf(1.01171875 - 1e-12), 0x3f81);                // just below a tie
	EQUAL(bfloatOf(-INFINITY), 0xff80);
	EQUAL(bfloatOf(1e300), 0x7f80);
	EQUAL(bfloatOf(NAN), 0x7fff);
	for (u32 b = 0; b < 0x10000; b++)
		if ((b & 0x7fff) <= 0x7f80) EQUAL((u32)bfloatOf(floatOfBfloat(b)), b);
}

TEST(subnormalsAreFlushed) {
	EQUAL(flushed(0x1p-127f), 0.0f);
	CHECK(std::signbit(flushed(-0x1p-127f)));
	EQUAL(flushed(0x1p-126f), 0x1p-126f);
	CHECK(std::isnan(flushed(NAN)));
}
