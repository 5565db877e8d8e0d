// Blocks of a launch and warps of a block.
#include "scheduler.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <thread>

namespace sim {

BlockRunner::BlockRunner(Launch& l) : launch(l), random(settings.seed) {
	const Kernel& k = *l.kernel;
	threads = l.block.count();
	warps.resize((threads + LANES - 1) / LANES);
	order.resize(warps.size());
	stride = (k.registerBytes + 63) / 64 * 64;
	registers.resize(stride * warps.size() + 64);
	firstRegister = (u8*)(((uintptr_t)registers.data() + 63) / 64 * 64);
	u32 sharedBytes = l.dynamicShared ? (k.sharedBytes + 15) / 16 * 16 + l.dynamicShared : k.sharedBytes;
	block.launch = &l;
	block.shared.resize(sharedBytes);
	block.cells.assign((sharedBytes >> k.shadowShift) + 2, Cell{0, 0, 0, 0});
}

u32 BlockRunner::wholeMask(u32 warp) const {
	u32 n = std::min<u32>(LANES, threads - warp * LANES);
	return n == LANES ? ALL_LANES : (1u << n) - 1;
}

void BlockRunner::prepare(Dim id) {
	block.id = id;
	block.number = id.x + launch.grid.x * (id.y + launch.grid.y * id.z) + 1;
	if (block.clock > 3000000000u) {
		block.clock = 1;
		std::fill(block.cells.begin(), block.cells.end(), Cell{0, 0, 0, 0});
	}
	block.start = block.lastBarrier = ++block.clock;
	std::fill(block.shared.begin(), block.shared.end(), 0xff);
	for (u32 n = 0; n < warps.size(); n++) prepareWarp(n);
}

void BlockRunner::prepareWarp(u32 n) {
	Warp& w = warps[n];
	order[n] = n;
	w.registers = firstRegister + n * stride;
	w.block = &block;
	w.index = n;
	w.carry = 0;
	w.lastSync = block.start;
	w.live = wholeMask(n);
	w.groups.assign(1, Group{0, w.live, RUNS});
	w.local.assign(LANES * (size_t)launch.kernel->localBytes, 0xff);
	w.copies.clear();
	for (auto& c : launch.kernel->constants) memcpy(w.registers + c.first, c.second.data(), c.second.size());
	fillSpecials(w);
}

static u32 axisOf(Dim d, char axis) { return axis == 'x' ? d.x : axis == 'y' ? d.y : d.z; }
static u32 threadOn(Dim block, char axis, u32 t) { return axis == 'x' ? t % block.x : axis == 'y' ? t / block.x % block.y : t / block.x / block.y; }

// Special registers hold their values from the start of the block on; clocks stand still inside it.
void BlockRunner::fillSpecials(Warp& w) {
	for (auto& s : launch.kernel->specials) {
		const string& name = s.second;
		const char axis = name.back();
		auto begins = [&](const char* with) { return name.compare(0, strlen(with), with) == 0; };
		u32* lane32 = (u32*)(w.registers + s.first);
		if (name == "%clock64" || name == "%globaltimer") {
			EACH_LANE(l) ((u64*)lane32)[l] = launch.steps;
			continue;
		}
		EACH_LANE(l) {
			u32 v = 0;
			if (begins("%tid.")) v = threadOn(launch.block, axis, w.index * LANES + l);
			else if (begins("%ntid.")) v = axisOf(launch.block, axis);
			else if (begins("%ctaid.")) v = axisOf(block.id, axis);
			else if (begins("%nctaid.")) v = axisOf(launch.grid, axis);
			else if (name == "%laneid") v = l;
			else if (name == "%lanemask_eq") v = 1u << l;
			else if (name == "%lanemask_lt") v = (1u << l) - 1;
			else if (name == "%lanemask_le") v = (2u << l) - 1;
			else if (name == "%lanemask_gt") v = ~((2u << l) - 1);
			else if (name == "%lanemask_ge") v = ~((1u << l) - 1);
			else if (name == "%warpid") v = w.index;
			else if (name == "%nwarpid") v = warps.size();
			else if (name == "%nsmid") v = 1;
			else if (name == "%dynamic_smem_size") v = launch.dynamicShared;
			else if (name == "%clock") v = launch.steps;
			lane32[l] = v;
		}
	}
}

void BlockRunner::run(Dim id) {
	prepare(id);
	for (;;) {
		if (settings.order == Settings::REVERSE) std::reverse(order.begin(), order.end());
		if (settings.order == Settings::SHUFFLED) std::shuffle(order.begin(), order.end(), random);
		if (!turn()) continue;
		if (std::none_of(warps.begin(), warps.end(), [](const Warp& w) { return w.live; })) return;
		openBarrier();
	}
}

bool BlockRunner::turn() {
	bool stopped = true;
	for (u32 n : order) {
		Warp& w = warps[n];
		if (w.live && !waits(w)) runWarp(w);
		if (w.live && !waits(w)) stopped = false;
	}
	return stopped;
}

// All threads that still run wait; they must wait at the same barrier, and be all threads of the block.
void BlockRunner::openBarrier() {
	Warp& first = *std::find_if(warps.begin(), warps.end(), [](const Warp& w) { return w.live; });
	const u32 at = first.groups[0].pc;
	Instruction& barrier = launch.code[at - 1];
	for (auto& w : warps) {
		if (w.live && w.groups[0].pc != at)
			fault(w, launch.code[w.groups[0].pc - 1], firstOf(w.live), LAUNCH_FAILED, "waits at this barrier while thread " +
			      std::to_string(first.index * LANES + firstOf(first.live)) + " waits at another one (line " + std::to_string(barrier.sourceLine) + ")");
		if (u32 left = wholeMask(w.index) & ~w.live)
			fault(w, barrier, firstOf(left), LAUNCH_FAILED, "has left the kernel while other threads wait at a barrier");
	}
	block.lastBarrier = ++block.clock;
	for (auto& w : warps) {
		w.lastSync = block.clock;
		w.groups[0].waiting = RUNS;
	}
}

namespace {

vector<u32> blockOrder(u64 n) {
	vector<u32> order(n);
	for (u64 j = 0; j < n; j++) order[j] = j;
	if (settings.order == Settings::REVERSE) std::reverse(order.begin(), order.end());
	std::mt19937_64 random(settings.seed);
	if (settings.order == Settings::SHUFFLED) std::shuffle(order.begin(), order.end(), random);
	return order;
}
Dim blockId(u64 n, Dim grid) { return {(u32)(n % grid.x), (u32)(n / grid.x % grid.y), (u32)(n / grid.x / grid.y)}; }

void addCounts(vector<Instruction>& to, const vector<Instruction>& from) {
	for (size_t j = 0; j < to.size(); j++) {
		to[j].executions += from[j].executions;
		to[j].accesses += from[j].accesses;
		to[j].waste += from[j].waste;
	}
}

// Several cores take blocks in turn. Each has its own copy of the code, because instructions count and remember.
u64 runOnCores(const Launch& like, const vector<u32>& order, u32 cores) {
	std::atomic<size_t> next{0};
	std::atomic<bool> failed{false};
	std::mutex lock;
	u64 steps = 0;
	Fault first{0, ""};
	auto work = [&] {
		vector<Instruction> code;
		{
			std::lock_guard<std::mutex> hold(lock);   // another core may be adding its counts already
			code = like.kernel->code;
		}
		for (auto& i : code) i.executions = i.accesses = i.waste = 0;
		Launch l = like;
		l.code = code.data();
		Fault mine{0, ""};
		try {
			BlockRunner runner(l);
			for (size_t n; !failed && (n = next++) < order.size();) runner.run(blockId(order[n], l.grid));
		} catch (const Fault& f) {
			mine = f;
			failed = true;
		}
		std::lock_guard<std::mutex> hold(lock);
		steps += l.steps;
		addCounts(like.kernel->code, code);
		if (mine.code && !first.code) first = mine;
	};
	vector<std::thread> others;
	for (u32 c = 1; c < cores; c++) others.emplace_back(work);
	work();
	for (auto& t : others) t.join();
	if (first.code) throw first;
	return steps;
}

}  // namespace

void runLaunch(const Module& m, Kernel& k, Dim grid, Dim block, u32 dynamicShared, const u8* parameters, const void* owner) {
	static u32 launches = 0;
	Launch l{&m, &k, k.code.data(), grid, block, dynamicShared, parameters, false, 0, owner, ++launches};
	vector<u32> order = blockOrder(grid.count());
	const u32 cores = std::min<u64>(settings.cores, order.size());
	k.launches++;
	if (cores > 1) {
		l.shared = true;
		k.warpInstructions += runOnCores(l, order, cores);
		return;
	}
	BlockRunner runner(l);
	for (u32 n : order) runner.run(blockId(n, grid));
	k.warpInstructions += l.steps;
}

}  // namespace sim
