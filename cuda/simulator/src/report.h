// What launches did, for tables and tests: statistics and coverage.
#pragma once
#include "kernel.h"

namespace sim {

// Sums over the launches of a kernel. Layout known to cuda/driver (Statistics).
struct Statistics {
	u64 launches, warpInstructions;
	u64 sharedAccesses, replays;       // warp accesses; extra turns by bank conflicts
	u64 globalAccesses, sectors;       // warp accesses; 32-byte sectors beyond the needed ones
	u64 instructions, executed;        // of the PTX, and how many of them ran at all
};
Statistics statisticsOf(const Kernel& k);

// Keeps what a module did beyond its life, and writes everything to the file that CLASSLENS_SIM_REPORT names: one line an
// instruction that ran or might have, see README.md. Lines of several processes may follow each other in one file. Where
// CLASSLENS_SIM_UNLOADED names a file, what one module did goes there when it is unloaded.
class Report {
public:
	void add(const Module& m);
	void write(const vector<const Module*>& loaded) const;
	Statistics of(const string& kernel, const vector<const Module*>& loaded) const;

private:
	struct Line { u64 executions = 0, accesses = 0, waste = 0; u32 sourceLine = 0; string source, text; };
	struct Sum { Statistics statistics{}; std::map<u32, Line> lines; };   // by PTX line
	static void append(const char* variable, const std::map<string, Sum>& sums);
	static void addTo(std::map<string, Sum>& sums, const Module& m);
	std::map<string, Sum> gone;
};

}  // namespace sim
