// A small test runner: TEST(name) { CHECK(condition); THROWS(expression, "part of the message"); }
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "../src/types.h"

struct Test {
	const char* name;
	std::function<void()> run;
	static std::vector<Test>& all() {
		static std::vector<Test> tests;
		return tests;
	}
	static int& failures() {
		static int n;
		return n;
	}
};
void failed(const char* file, int line, const std::string& what);

#define TEST(name)                                                                              \
	static void name();                                                                         \
	static const bool added_##name = (Test::all().push_back({#name, name}), true);              \
	static void name()
#define CHECK(condition) do { if (!(condition)) failed(__FILE__, __LINE__, #condition); } while (0)
#define EQUAL(got, want)                                                                        \
	do {                                                                                        \
		auto g = (got);                                                                         \
		auto w = (want);                                                                        \
		if (!(g == w)) failed(__FILE__, __LINE__, #got " is not " #want);                       \
	} while (0)
#define THROWS(expression, part)                                                                \
	do {                                                                                        \
		std::string said = "nothing";                                                           \
		try { expression; } catch (const sim::Fault& f) { said = f.message; }                   \
		if (said.find(part) == std::string::npos) failed(__FILE__, __LINE__, #expression " says: " + said); \
	} while (0)
