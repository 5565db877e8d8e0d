// cp.async: copies from global to shared memory that are done only when they are waited for, so that a missing wait shows.
#include "access.h"
#include "lanes.h"
#include "opcode.h"

namespace sim {

// [to], [from], bytes {, bytes to read}: the rest is filled with zeros.
static void begin(Warp& w, Instruction& i, u32 lanes) {
	AsyncCopy c{};
	c.lanes = lanes;
	c.bytes = w.at<u32>(i.operand[2])[0];
	i.space = SHARED;
	resolve(w, i, lanes, i.operand[0], i.offset, c.bytes, WRITE, c.to);
	u32 reading = lanes;
	EACH_LANE(l) {
		c.take[l] = i.operands > 3 ? std::min(w.at<u32>(i.operand[3])[l], c.bytes) : c.bytes;
		if (!c.take[l]) reading &= ~(1u << l);   // its address need not be valid
	}
	i.space = GLOBAL;
	if (reading) resolve(w, i, reading, i.operand[1], i.offset2, c.bytes, READ, c.from);
	if (w.copies.empty()) w.copies.emplace_back();
	w.copies.back().push_back(c);
}

static void commit(Warp& w, Instruction&, u32) {
	if (w.copies.empty()) w.copies.emplace_back();
	w.copies.emplace_back();
}

static void finish(const AsyncCopy& c) {
	EACH_ON(l, c.lanes) {
		if (c.take[l]) memcpy(c.to[l], c.from[l], c.take[l]);
		memset(c.to[l] + c.take[l], 0, c.bytes - c.take[l]);
	}
}

// option: wait_all, also for what was not committed. Otherwise the operand says how many of the latest groups may stay open.
static void wait(Warp& w, Instruction& i, u32) {
	if (w.copies.empty()) return;
	size_t committed = w.copies.size() - 1, keep = i.option ? 0 : std::min<size_t>(w.at<u32>(i.operand[0])[0], committed);
	size_t done = i.option ? w.copies.size() : committed - keep;
	for (size_t g = 0; g < done; g++)
		for (auto& c : w.copies[g]) finish(c);
	w.copies.erase(w.copies.begin(), w.copies.begin() + done);
	if (w.copies.empty()) w.copies.emplace_back();
}

bool chooseAsync(Instruction& i, const Opcode& op) {
	if (op.name != "cp" || !op.has("async") || op.has("bulk") || op.has("mbarrier")) return false;
	if (op.has("commit_group")) return runs(i, commit);
	if (op.has("wait_group") || op.has("wait_all")) {
		i.option = op.has("wait_all");
		return i.operands == (i.option ? 0 : 1) && runs(i, wait);
	}
	return (op.has("ca") || op.has("cg")) && (i.operands == 3 || i.operands == 4) && runs(i, begin);
}

}  // namespace sim
