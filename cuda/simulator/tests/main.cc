#include <cstdio>

#include "check.h"

static const char* running = "";

void failed(const char* file, int line, const std::string& what) {
	printf("FAIL %s %s:%d: %s\n", running, file, line, what.c_str());
	Test::failures()++;
}

int main() {
	for (auto& t : Test::all()) {
		running = t.name;
		try {
			t.run();
		} catch (const sim::Fault& f) {
			failed("", 0, "fault " + std::to_string(f.code) + ": " + f.message);
		}
	}
	printf("simulator: %zu tests, %d failures\n", Test::all().size(), Test::failures());
	return Test::failures() != 0;
}
