#include "../src/shadow.h"
#include "check.h"

using namespace sim;

namespace {
// Two warps of one block with 256 bytes of shared memory, cells of 4 bytes.
struct Two {
	Kernel kernel;
	Launch launch{};
	Block block;
	Warp a, b;
	Instruction code;
	Two() {
		kernel.name = "k";
		kernel.shadowShift = 2;
		kernel.text = {"st.shared"};
		launch.kernel = &kernel;
		launch.block = {64, 1, 1};
		block.launch = &launch;
		block.cells.assign(66, Cell{0, 0, 0, 0});
		block.start = block.lastBarrier = ++block.clock;
		a.block = b.block = &block;
		a.lastSync = b.lastSync = block.start;
		a.index = 0;
		b.index = 1;
	}
	void access(Warp& w, int lane, u64 byte, Access how, int bytes = 4) {
		u64 at[LANES];
		at[lane] = byte;
		noteShared(w, code, 1u << lane, at, bytes, how);
	}
	void barrier() { block.lastBarrier = a.lastSync = b.lastSync = ++block.clock; }
	void warpBarrier(Warp& w) { w.lastSync = ++block.clock; }
};
}  // namespace

TEST(aReadOfWhatNothingWroteIsAFault) {
	Two t;
	THROWS(t.access(t.a, 0, 8, READ), "reads shared memory that nothing wrote, at byte 8");
	t.access(t.a, 0, 8, WRITE);
	t.access(t.a, 0, 8, READ);   // its own
}

TEST(accessesOfTwoWarpsNeedABarrier) {
	struct { Access first, second; const char* says; } cases[] = {
		{WRITE, READ, "reads what thread 3 wrote"}, {WRITE, WRITE, "writes what thread 3 wrote"}, {ATOMIC, READ, "reads what another thread wrote"}};
	for (auto& c : cases) {
		Two t;
		t.access(t.a, 3, 16, c.first);
		THROWS(t.access(t.b, 5, 16, c.second), c.says);
		Two right;
		right.access(right.a, 3, 16, c.first);
		right.barrier();
		right.access(right.b, 5, 16, c.second);
	}
	Two t;
	t.access(t.a, 3, 16, WRITE);
	t.barrier();
	t.access(t.a, 3, 16, READ);
	THROWS(t.access(t.b, 5, 16, WRITE), "writes what thread 3 read");
}

TEST(aWarpsOwnBarrierOrdersOnlyItsLanes) {
	Two t;
	t.access(t.a, 0, 0, WRITE);
	THROWS(t.access(t.a, 1, 0, READ), "reads what thread 0 wrote");
	t.warpBarrier(t.a);
	t.access(t.a, 1, 0, READ);
	t.warpBarrier(t.b);
	THROWS(t.access(t.b, 0, 0, READ), "reads what thread 0 wrote");
}

TEST(atomicsAgreeWithEachOtherOnly) {
	Two t;
	t.access(t.a, 0, 0, ATOMIC);
	t.access(t.b, 0, 0, ATOMIC);
	THROWS(t.access(t.b, 1, 0, WRITE), "writes what another thread wrote");
}

TEST(wideAccessesTouchEveryCell) {
	Two t;
	t.access(t.a, 0, 16, WRITE, 16);
	for (u64 byte : {16, 20, 24, 28}) THROWS(t.access(t.b, 0, byte, READ), "reads what thread 0 wrote");
	THROWS(t.access(t.b, 0, 32, READ), "nothing wrote");
}
