// Lanes of a warp: how they diverge, meet again and wait for each other.
#include "scheduler.h"

namespace sim {

static string place(u64 n, Dim d) {
	return "(" + std::to_string(n % d.x) + "," + std::to_string(n / d.x % d.y) + "," + std::to_string(n / d.x / d.y) + ")";
}

void fault(Warp& w, const Instruction& i, int lane, int code, const string& what) {
	const Launch& l = *w.block->launch;
	const Kernel& k = *l.kernel;
	string source;
	if (i.sourceLine) {
		auto& files = l.module->files;
		source = i.sourceFile < files.size() && !files[i.sourceFile].empty() ? files[i.sourceFile] : "line";
		source = " at " + source + ":" + std::to_string(i.sourceLine);
	}
	Dim b = w.block->id;
	string block = "(" + std::to_string(b.x) + "," + std::to_string(b.y) + "," + std::to_string(b.z) + ")";
	throw Fault{code, "kernel " + k.name + source + ", block " + block + " thread " + place(w.index * LANES + lane, l.block) + ": " + what +
	                      "  [" + k.text[i.text] + ", PTX line " + std::to_string(i.ptxLine) + "]"};
}

namespace {

const u64 SLICE = 1000000;   // steps after which another warp gets its turn: it may have what this one waits for

// Lanes that diverged run in the order of their place in the code, the lowest first, so that they meet again where their paths
// join. Lanes that come early to an instruction which a warp does together wait there for the others.
class WarpRun {
public:
	explicit WarpRun(Warp& warp) : w(warp), launch(*warp.block->launch), code(launch.code) {}
	void run() {
		while (pick()) {
			advance();
			launch.steps += steps;
			if (launch.steps > settings.maxSteps)
				fault(w, code[std::min<size_t>(pc, launch.kernel->code.size() - 1)], 0, LAUNCH_TIMEOUT, "the launch exceeded its number of steps: endless loop?");
			if (lanes) w.groups.push_back({pc, lanes, RUNS});
			if (steps > SLICE) return;
		}
	}

private:
	void join();
	bool pick();
	[[noreturn]] void twoBarriers();
	void take(size_t group);
	void advance();
	void branch(Instruction& i, u32 on);
	void together(Instruction& i, u32 on);

	Warp& w;
	Launch& launch;
	Instruction* code;
	u32 pc = 0, lanes = 0, limit = 0;   // the group that runs, and where the next one stands
	u64 steps = 0;
	bool alone = false;                 // nobody else can come to a TOGETHER
};

// Groups at the same place become one.
void WarpRun::join() {
	auto& g = w.groups;
	for (size_t a = 0; a < g.size(); a++)
		for (size_t b = a + 1; b < g.size();) {
			if (g[a].pc == g[b].pc && g[a].waiting == g[b].waiting) {
				g[a].lanes |= g[b].lanes;
				g[b] = g.back();
				g.pop_back();
			} else b++;
		}
}

// Takes the group to run: the lowest that does not wait. False: all wait at a barrier, or have left.
bool WarpRun::pick() {
	join();
	auto& g = w.groups;
	size_t best = g.size();
	for (size_t j = 0; j < g.size(); j++)
		if (!g[j].waiting && (best == g.size() || g[j].pc < g[best].pc)) best = j;
	alone = best == g.size();
	if (alone) {
		// All wait: behind a barrier, or before a TOGETHER that nobody else can come to; that instruction finds the fault itself.
		for (size_t j = 0; j < g.size() && best == g.size(); j++)
			if (g[j].waiting == AT_TOGETHER) best = j;
		if (best == g.size()) {
			if (g.size() > 1) twoBarriers();
			return false;
		}
	}
	take(best);
	return true;
}

void WarpRun::twoBarriers() {
	auto& g = w.groups;
	const Instruction &a = code[g[0].pc - 1], &b = code[g[1].pc - 1];
	u32 other = w.index * LANES + firstOf(g[1].lanes);
	fault(w, a, firstOf(g[0].lanes), LAUNCH_FAILED, "waits at this barrier while thread " + std::to_string(other) +
	      " of its warp waits at another one (line " + std::to_string(b.sourceLine) + ")");
}

void WarpRun::take(size_t group) {
	auto& g = w.groups;
	pc = g[group].pc;
	lanes = g[group].lanes;
	g[group] = g.back();
	g.pop_back();
	limit = ~0u;
	for (auto& other : g)
		if (!other.waiting) limit = std::min(limit, other.pc);
	steps = 0;
}

// Runs the group until it has left, waits, or comes to where another group stands.
void WarpRun::advance() {
	while (lanes && pc < limit && steps <= SLICE) {
		Instruction& i = code[pc];
		u32 on = lanes;
		steps++;
		if (i.guard >= 0) {
			u32 p = *(u32*)(w.registers + i.guard);
			on &= i.guardNegated ? ~p : p;
		}
		if (on) i.executions++;
		switch (i.kind) {
		case PLAIN:
			if (on) i.run(w, i, on);
			pc++;
			break;
		case BRANCH: branch(i, on); break;
		case EXIT:
			w.live &= ~on;
			lanes &= ~on;
			pc++;
			break;
		case BARRIER:
			if (on) w.groups.push_back({pc + 1, on, AT_BARRIER});
			lanes &= ~on;
			pc++;
			break;
		case TOGETHER:
			if (on) together(i, on);
			else pc++;
		}
	}
}

void WarpRun::branch(Instruction& i, u32 on) {
	if (on == lanes) {
		pc = i.target;
		return;
	}
	pc++;
	if (!on) return;
	w.groups.push_back({i.target, on, RUNS});
	lanes &= ~on;
	limit = std::min(limit, i.target);
}

void WarpRun::together(Instruction& i, u32 on) {
	u32 wanted = w.live & (i.membersAt == NO_OPERAND ? ALL_LANES : w.at<u32>(i.operand[i.membersAt])[firstOf(on)]);
	auto& g = w.groups;
	for (size_t j = 0; j < g.size();) {   // those that came before
		if (g[j].pc == pc && g[j].waiting == AT_TOGETHER) {
			on |= g[j].lanes;
			lanes |= g[j].lanes;
			g[j] = g.back();
			g.pop_back();
		} else j++;
	}
	if ((wanted & ~on) && !alone) {
		g.push_back({pc, on, AT_TOGETHER});
		lanes &= ~on;
		if (lanes) pc++;
		return;
	}
	i.run(w, i, on);
	pc++;
	alone = false;
}

}  // namespace

void runWarp(Warp& w) { WarpRun(w).run(); }

}  // namespace sim
