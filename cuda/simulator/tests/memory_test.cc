#include <cstring>

#include "../src/memory.h"
#include "check.h"

using namespace sim;

TEST(allocationsHoldAndEnd) {
	Memory m;
	u64 a = m.allocate(100, nullptr), b = m.allocate(1, nullptr);
	CHECK(a && b && a % 256 == 0 && b >= a + 100 + 8192);
	EQUAL(m.used, (u64)101);
	memset(m.at(a, 100), 7, 100);
	EQUAL(*m.at(a + 99, 1), 7);
	THROWS(m.at(a + 99, 2), "runs past an allocation of 100");
	THROWS(m.at(a + 100, 1), "which no allocation holds");
	THROWS(m.at(a, ~0ull), "runs past an allocation of 100");
	THROWS(m.at(1, 1), "which no allocation holds");
	m.release(a);
	THROWS(m.at(a, 1), "freed memory");
	THROWS(m.release(a), "no allocation begins");
	THROWS(m.release(b + 1), "no allocation begins");
	EQUAL(m.used, (u64)1);
	CHECK(m.allocate(100, nullptr) != a);
	m.releaseAll(nullptr);
	EQUAL(m.used, (u64)0);
}

TEST(memoryRunsOut) {
	Memory m;
	m.total = 1000;
	EQUAL(m.allocate(1001, nullptr), (u64)0);
	EQUAL(m.allocate(0, nullptr), (u64)0);
	EQUAL(m.allocate(~0ull, nullptr), (u64)0);
	CHECK(m.allocate(1000, nullptr));
	EQUAL(m.allocate(1, nullptr), (u64)0);
	m.releaseAll(nullptr);
}

TEST(ownersAreKeptApart) {
	Memory m;
	int one = 1, two = 2;
	u64 a = m.allocate(8, &one);
	m.allocate(8, &two);
	EQUAL(m.liveOf(&one), (u64)1);
	m.releaseAll(&two);
	EQUAL(m.liveOf(&two), (u64)0);
	CHECK(!m.find(a)->freed());
	m.releaseAll(&one);
}
