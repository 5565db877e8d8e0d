// A running launch: settings, blocks, warps, and the helpers of the functions that execute instructions.
#pragma once
#include <cstring>

#include "kernel.h"

namespace sim {

// What the environment says; see README.md.
struct Settings {
	enum Order { FORWARD, REVERSE, SHUFFLED } order = FORWARD;   // of blocks and warps
	u64 seed = 1;
	bool races = true;               // look for races in shared memory, and between blocks in global memory
	bool rough = false;              // .approx and tensor cores as inexact as a device may be
	bool statistics = true;          // count bank conflicts and sectors
	bool lazy = false;               // work runs only when something waits for it
	u32 cores = 1;                   // threads that share the blocks of a launch
	u64 maxSteps = 4000000000ull;    // warp instructions of a launch: more is an endless loop

	static string environment(const char* name, const char* otherwise);
	void read();                     // when a context is made
	void readForLaunch();            // order, seed and maxSteps, at each launch: a process may try several
};
extern Settings settings;

struct Dim { u32 x, y, z; u64 count() const { return (u64)x * y * z; } };

struct Launch {
	const Module* module;
	Kernel* kernel;
	Instruction* code;               // the kernel's, or a core's own copy
	Dim grid, block;
	u32 dynamicShared;
	const u8* parameters;
	bool shared;                     // several cores work at it: atomics take a lock
	u64 steps = 0;
	const void* owner = nullptr;     // the context; null: memory of all is taken
	u32 number = 0;                  // of the launch, from 1
};

// What is known about a piece of shared memory: its last write and its last read.
struct Cell { u32 writeTime, readTime; u16 writer, reader; };

struct Warp;
struct Block {
	Launch* launch = nullptr;
	Dim id{};
	u32 number = 0;                  // of the block in its grid, from 1
	vector<u8> shared;
	vector<Cell> cells;
	u32 clock = 1;                   // ticks at each synchronisation
	u32 start = 0, lastBarrier = 0;  // times
};

// Lanes of a warp at the same place.
enum Waiting : u8 { RUNS, AT_BARRIER, AT_TOGETHER };   // behind a barrier, or before an instruction for all lanes
struct Group { u32 pc, lanes; Waiting waiting; };

// Copies of cp.async that a warp has begun: done only when they are waited for.
struct AsyncCopy { u8 *to[LANES], *from[LANES]; u32 lanes, bytes, take[LANES]; };

struct Warp {
	u8* registers = nullptr;
	Block* block = nullptr;
	u32 index = 0, live = 0, carry = 0, lastSync = 0;
	vector<Group> groups;
	vector<u8> local;
	vector<vector<AsyncCopy>> copies;   // by group; the last one is still open

	template <class T> T* at(const Operand& o) { return (T*)(registers + o.at); }
	u32& predicate(const Operand& o) { return *(u32*)(registers + o.at); }

	// One lane of a register of any width.
	u64 get(const Operand& o, int lane) {
		switch (o.width) {
		case 1: return at<u8>(o)[lane];
		case 2: return at<u16>(o)[lane];
		case 4: return at<u32>(o)[lane];
		case 8: return at<u64>(o)[lane];
		}
		return predicate(o) >> lane & 1;
	}
	void set(const Operand& o, int lane, u64 v) {
		switch (o.width) {
		case 1: at<u8>(o)[lane] = v; return;
		case 2: at<u16>(o)[lane] = v; return;
		case 4: at<u32>(o)[lane] = v; return;
		case 8: at<u64>(o)[lane] = v; return;
		}
		u32& p = predicate(o);
		p = (p & ~(1u << lane)) | (u32)(v & 1) << lane;
	}
	void setPredicate(const Operand& o, u32 lanes, u32 values) { u32& p = predicate(o); p = (p & ~lanes) | (values & lanes); }
};

inline bool isOn(u32 lanes, int lane) { return lanes >> lane & 1; }
inline int firstOf(u32 lanes) { return __builtin_ctz(lanes); }
// For the lanes that are on; compilers turn the short bodies into vector code.
#define EACH_LANE(lane) for (int lane = 0; lane < LANES; lane++)
#define EACH_ON(lane, lanes) EACH_LANE(lane) if (isOn(lanes, lane))

// Ends the launch: names kernel, source line, block, thread and instruction.
[[noreturn]] void fault(Warp& w, const Instruction& i, int lane, int code, const string& what);

// Runs all blocks, with the memory of a context (null: of all). Throws Fault.
void runLaunch(const Module& m, Kernel& k, Dim grid, Dim block, u32 dynamicShared, const u8* parameters, const void* owner = nullptr);

}  // namespace sim
