// The order in which warps and lanes run.
#pragma once
#include <random>

#include "warp.h"

namespace sim {

// Runs a warp until all its lanes have left or wait at a barrier, or for a long while.
void runWarp(Warp& w);

// Runs one block from its first instruction to its end. Used for many blocks one after another.
class BlockRunner {
public:
	explicit BlockRunner(Launch& launch);
	void run(Dim id);

private:
	void prepare(Dim id);
	void prepareWarp(u32 index);
	void fillSpecials(Warp& w);
	bool turn();              // lets every warp run; true: none can go on before the barrier opens
	void openBarrier();
	bool waits(const Warp& w) const { return w.groups.size() == 1 && w.groups[0].waiting == AT_BARRIER; }
	u32 wholeMask(u32 warp) const;

	Launch& launch;
	Block block;
	vector<Warp> warps;
	vector<u32> order;
	vector<u8> registers;
	u8* firstRegister;
	size_t stride;
	u32 threads;
	std::mt19937_64 random;
};

}  // namespace sim
