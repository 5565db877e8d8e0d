// Settings from the environment.
#include <cstdlib>

#include "warp.h"

namespace sim {

Settings settings;

string Settings::environment(const char* name, const char* otherwise) {
	const char* v = getenv(name);
	return v && *v ? v : otherwise;
}

void Settings::read() {
	readForLaunch();
	races = environment("CLASSLENS_SIM_RACES", "1") != "0";
	statistics = environment("CLASSLENS_SIM_STATISTICS", environment("CLASSLENS_SIM_REPORT", "").empty() ? "0" : "1") != "0";
	rough = environment("CLASSLENS_SIM_ROUGH", "0") != "0";
	lazy = environment("CLASSLENS_SIM_LAZY", "0") != "0";
	cores = std::max(1, atoi(environment("CLASSLENS_SIM_CORES", "1").c_str()));
}

void Settings::readForLaunch() {
	string o = environment("CLASSLENS_SIM_ORDER", "forward");
	order = o == "forward" ? FORWARD : o == "reverse" ? REVERSE : SHUFFLED;
	if (order == SHUFFLED) seed = strtoull(o.c_str(), nullptr, 10);
	maxSteps = strtoull(environment("CLASSLENS_SIM_STEPS", "4000000000").c_str(), nullptr, 10);
}

}  // namespace sim
