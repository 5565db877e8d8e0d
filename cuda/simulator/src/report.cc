#include "report.h"

#include <cstdio>
#include <cstdlib>

namespace sim {

Statistics statisticsOf(const Kernel& k) {
	Statistics s{k.launches, k.warpInstructions, 0, 0, 0, 0, 0, 0};
	for (auto& i : k.code) {
		if (!i.ptxLine) continue;
		s.instructions++;
		s.executed += i.executions > 0;
		(i.space == SHARED ? s.sharedAccesses : s.globalAccesses) += i.accesses;
		(i.space == SHARED ? s.replays : s.sectors) += i.waste;
	}
	return s;
}

void Report::addTo(std::map<string, Sum>& sums, const Module& m) {
	for (auto& named : m.kernels) {
		const Kernel& k = *named.second;
		if (!k.launches) continue;
		Sum& sum = sums[named.first];
		Statistics s = statisticsOf(k), &t = sum.statistics;
		t.launches += s.launches;
		t.warpInstructions += s.warpInstructions;
		t.sharedAccesses += s.sharedAccesses;
		t.replays += s.replays;
		t.globalAccesses += s.globalAccesses;
		t.sectors += s.sectors;
		for (auto& i : k.code) {
			if (!i.ptxLine) continue;
			Line& line = sum.lines[i.ptxLine];
			line.executions += i.executions;
			line.accesses += i.accesses;
			line.waste += i.waste;
			line.sourceLine = i.sourceLine;
			line.source = i.sourceFile < m.files.size() ? m.files[i.sourceFile] : "";
			line.text = k.text[i.text];
		}
		t.instructions = sum.lines.size();
		t.executed = 0;
		for (auto& l : sum.lines) t.executed += l.second.executions > 0;
	}
}

void Report::add(const Module& m) {
	addTo(gone, m);
	std::map<string, Sum> one;
	addTo(one, m);
	append("CLASSLENS_SIM_UNLOADED", one);
}

Statistics Report::of(const string& kernel, const vector<const Module*>& loaded) const {
	auto all = gone;
	for (auto m : loaded) addTo(all, *m);
	return all[kernel].statistics;
}

// kernel  NAME  launches  warp-instructions  shared  replays  global  sectors
// line    NAME  PTX-line  source:line  executions  accesses  waste  instruction
void Report::append(const char* variable, const std::map<string, Sum>& all) {
	const char* path = getenv(variable);
	if (!path || !*path) return;
	string text;
	for (auto& k : all) {
		const Statistics& s = k.second.statistics;
		text += "kernel\t" + k.first;
		for (u64 v : {s.launches, s.warpInstructions, s.sharedAccesses, s.replays, s.globalAccesses, s.sectors}) text += "\t" + std::to_string(v);
		text += "\n";
		for (auto& l : k.second.lines) {
			text += "line\t" + k.first + "\t" + std::to_string(l.first) + "\t" + l.second.source + ":" + std::to_string(l.second.sourceLine);
			for (u64 v : {l.second.executions, l.second.accesses, l.second.waste}) text += "\t" + std::to_string(v);
			text += "\t" + l.second.text + "\n";
		}
	}
	if (FILE* f = fopen(path, "a")) {
		fwrite(text.data(), 1, text.size(), f);
		fclose(f);
	}
}

void Report::write(const vector<const Module*>& loaded) const {
	auto all = gone;
	for (auto m : loaded) addTo(all, *m);
	append("CLASSLENS_SIM_REPORT", all);
}

}  // namespace sim
