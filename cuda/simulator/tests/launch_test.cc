// Blocks, cores and counts, without the driver API.
#include <cstring>

#include "../src/report.h"
#include "../src/warp.h"
#include "check.h"

using namespace sim;

static const std::string head = ".version 8.2\n.target sm_80\n.address_size 64\n";

namespace {
// A kernel with one parameter, the address of `out`, in %o; %g is the global thread.
struct Run {
	std::unique_ptr<Module> module;
	u64 out;
	Kernel* kernel;
	Run(const std::string& body, u64 bytes) {
		module = parseModule(head + ".visible .entry k(.param .u64 p) { .shared .align 16 .b8 s[4096]; .reg .b64 %o, %x; .reg .b32 %g, %t, %v, %w; .reg .pred %q;"
		                            "ld.param.u64 %o, [p]; mov.u32 %t, %tid.x; mov.u32 %g, %ctaid.x; mov.u32 %v, %ntid.x; mad.lo.u32 %g, %g, %v, %t;" + body + "ret; }");
		kernel = module->kernels["k"].get();
		out = memory.allocate(bytes, this);
		memset(memory.at(out, bytes), 0, bytes);
	}
	~Run() { memory.releaseAll(this); }
	void go(u32 blocks, u32 threads) { runLaunch(*module, *kernel, {blocks, 1, 1}, {threads, 1, 1}, 0, (const u8*)&out); }
	u32 word(u64 n) { u32 v; memcpy(&v, memory.at(out + 4 * n, 4), 4); return v; }
};
}  // namespace

TEST(blocksRunInEveryOrderAndOnCores) {
	for (auto order : {Settings::FORWARD, Settings::REVERSE, Settings::SHUFFLED})
		for (u32 cores : {1, 2, 5}) {
			settings.order = order;
			settings.cores = cores;
			Run r("mul.wide.u32 %x, %g, 4; add.s64 %x, %x, %o; st.global.u32 [%x], %g; red.global.add.u32 [%o+40000], 1;", 40004);
			r.go(100, 100);
			for (u32 n = 0; n < 10000; n++)
				if (r.word(n) != n) failed(__FILE__, __LINE__, "word " + std::to_string(n));
			EQUAL(r.word(10000), 10000u);
			Statistics s = statisticsOf(*r.kernel);
			EQUAL(s.launches, (u64)1);
			EQUAL(s.warpInstructions, (u64)100 * 4 * 10);
			EQUAL(s.executed, s.instructions);
		}
	settings.order = Settings::FORWARD;
	settings.cores = 1;
}

// Blocks that touch what another one wrote: no order of them is promised. Reading first and writing later shows in the other order.
TEST(racesBetweenBlocksAreFound) {
	const std::string own = "mul.wide.u32 %x, %g, 4; add.s64 %x, %x, %o; ", next = "ld.global.u32 %w, [%x+128]; ", write = "st.global.u32 [%x], %g; ";
	{
		Run r(own + write + "ld.global.u32 %w, [%x];", 512);
		r.go(4, 32);
		r.go(4, 32);   // a later launch may write what an earlier one wrote
	}
	{
		Run r(own + "red.global.add.u32 [%o], 1; " + "st.global.u32 [%x+4], %g;", 516);
		r.go(4, 32);
	}
	auto fails = [&](const std::string& body, const char* why) {
		Run r(own + body, 1024);
		THROWS(r.go(4, 32), why);
	};
	fails("setp.eq.u32 %q, %t, 0; @%q st.global.u32 [%o+256], %g;", "race between blocks: writes byte 256 of an allocation, which block number 0 of this launch wrote");
	fails(write + "ld.global.u32 %w, [%o];", "race between blocks: reads byte 0 of an allocation, which block number 0");
	{
		Run r("st.global.u32 [%o], 5;", 4);
		THROWS(r.go(1, 2), " at once with lane 0 of its warp");
		r.go(1, 1);
	}
	{
		Run r(own + next + write, 640);
		r.go(4, 32);   // forward each block reads before the next one writes
		settings.order = Settings::REVERSE;
		THROWS(r.go(4, 32), "race between blocks: reads byte");
		settings.order = Settings::FORWARD;
	}
}

TEST(aFaultOnAnyCoreComesOut) {
	settings.cores = 3;
	Run r("setp.eq.u32 %q, %g, 777; @%q trap;", 4);
	THROWS(r.go(100, 32), "block (24,0,0) thread (9,0,0): trap");
	settings.cores = 1;
}

// 32 threads read a column of a 32 x 32 matrix: every word is in one bank, 31 replays. A row: none. The same word: none.
TEST(bankConflictsAreCounted) {
	const std::string fill = "mov.u32 %w, %t; shl.b32 %v, %t, 2; FILL: st.shared.u32 [%v], %w; add.u32 %v, %v, 128; add.u32 %w, %w, 1; setp.lt.u32 %q, %v, 4096; @%q bra FILL; bar.sync 0;";
	settings.statistics = true;
	struct { const char* body; u64 replays; } cases[] = {
		{"shl.b32 %v, %t, 7; ld.shared.u32 %w, [%v];", 31},
		{"shl.b32 %v, %t, 2; ld.shared.u32 %w, [%v];", 0},
		{"mov.u32 %v, 64; ld.shared.u32 %w, [%v];", 0},
		{"shl.b32 %v, %t, 3; ld.shared.u32 %w, [%v];", 1},
		{"shl.b32 %v, %t, 4; .reg .b32 %a, %b, %c; ld.shared.v4.u32 {%w, %a, %b, %c}, [%v];", 0},
		{"shl.b32 %v, %t, 5; .reg .b32 %a, %b, %c; ld.shared.v4.u32 {%w, %a, %b, %c}, [%v];", 4},
	};
	for (auto& c : cases) {
		Run r(fill + c.body, 4);
		r.go(1, 32);
		EQUAL(statisticsOf(*r.kernel).replays, c.replays);
	}
}

TEST(sectorsAreCounted) {
	struct { const char* body; u64 sectors; } cases[] = {
		{"mul.wide.u32 %x, %t, 4; add.s64 %x, %x, %o; ld.global.u32 %w, [%x];", 0},
		{"mul.wide.u32 %x, %t, 8; add.s64 %x, %x, %o; ld.global.u32 %w, [%x];", 4},
		{"mul.wide.u32 %x, %t, 32; add.s64 %x, %x, %o; ld.global.u32 %w, [%x];", 28},
		{"ld.global.u32 %w, [%o];", 0},
		{"mul.wide.u32 %x, %t, 4; add.s64 %x, %x, %o; ld.global.u32 %w, [%x+4];", 1},
	};
	for (auto& c : cases) {
		Run r(c.body, 1028);
		r.go(1, 32);
		EQUAL(statisticsOf(*r.kernel).sectors, c.sectors);
	}
}

TEST(endlessLoopsEnd) {
	u64 before = settings.maxSteps;
	settings.maxSteps = 3000000;
	Run r("LOOP: bra LOOP;", 4);
	THROWS(r.go(1, 64), "endless loop");
	settings.maxSteps = before;
}

// A warp that waits for another one's store must not keep it from running.
TEST(spinningWarpsLetOthersRun) {
	Run r("setp.lt.u32 %q, %t, 32; @%q bra SPIN; setp.eq.u32 %q, %t, 40; @%q st.volatile.global.u32 [%o], 1; bra DONE; SPIN: ld.volatile.global.u32 %w, [%o]; setp.eq.u32 %q, %w, 0; @%q bra SPIN; DONE:", 4);
	r.go(1, 64);
	EQUAL(r.word(0), 1u);
}
