// What the lanes of a warp do together: shfl, vote, match, redux, activemask, bar.warp.sync.
#include "lanes.h"
#include "opcode.h"

namespace sim {

// The mask must name just the lanes that execute the instruction.
static void checkMembers(Warp& w, Instruction& i, u32 lanes, u32 mask) {
	u32 absent = mask & w.live & ~lanes, unnamed = lanes & ~mask;
	if (absent) fault(w, i, firstOf(absent), LAUNCH_FAILED, "names lanes " + hex(mask) + " but only " + hex(lanes) + " execute it");
	if (unnamed) fault(w, i, firstOf(unnamed), LAUNCH_FAILED, "is executed by a lane that its mask " + hex(mask) + " does not name");
}
static void checkMask(Warp& w, Instruction& i, u32 lanes) { checkMembers(w, i, lanes, w.at<u32>(i.operand[i.membersAt])[firstOf(lanes)]); }

enum Shuffle { FROM_BELOW, FROM_ABOVE, BUTTERFLY, INDEXED };

// d [|p], a, b, c, mask: lane b away (or lane b) of the segment that c describes: low 5 bits the last lane, high 5 bits the
// lane bits that are fixed. Where that lane is outside the segment, the own value, and p is false.
static void shuffle(Warp& w, Instruction& i, u32 lanes) {
	const Operand* o = i.operand + (i.second ? 2 : 1);
	u32 *a = w.at<u32>(o[0]), *b = w.at<u32>(o[1]), *c = w.at<u32>(o[2]), *mask = w.at<u32>(o[3]), r[LANES], inside = 0;
	EACH_ON(l, lanes) {
		checkMembers(w, i, lanes, mask[l]);
		int fixed = c[l] >> 8 & 31, last = c[l] & 31, by = b[l] & 31;
		int highest = (l & fixed) | (last & ~fixed), lowest = l & fixed;
		int j = i.mode == FROM_BELOW ? l - by : i.mode == FROM_ABOVE ? l + by : i.mode == BUTTERFLY ? l ^ by : lowest | (by & ~fixed);
		bool in = i.mode == FROM_BELOW ? j >= highest : j <= highest;
		if (!in) j = l;
		else if (!isOn(lanes, j)) fault(w, i, l, LAUNCH_FAILED, "takes the value of lane " + std::to_string(j) + ", which does not take part");
		r[l] = a[j];
		inside |= (u32)in << l;
	}
	u32* d = w.at<u32>(i.operand[0]);
	EACH_ON(l, lanes) d[l] = r[l];
	if (i.second) w.setPredicate(i.operand[1], lanes, inside);
}

enum Vote { ALL, ANY, UNIFORM, BALLOT };
static void vote(Warp& w, Instruction& i, u32 lanes) {
	checkMask(w, i, lanes);
	u32 p = w.predicate(i.operand[1]);
	p = (i.negated ? ~p : p) & lanes;
	if (i.mode == BALLOT) {
		u32* d = w.at<u32>(i.operand[0]);
		EACH_ON(l, lanes) d[l] = p;
		return;
	}
	bool r = i.mode == ALL ? p == lanes : i.mode == ANY ? p != 0 : p == lanes || !p;
	w.setPredicate(i.operand[0], lanes, r ? lanes : 0);
}

// match.any: the lanes with the same value; match.all (option): the mask when all have one value, else 0, and a predicate
static void match(Warp& w, Instruction& i, u32 lanes) {
	checkMask(w, i, lanes);
	const Operand& a = i.operand[i.second ? 2 : 1];
	u32* d = w.at<u32>(i.operand[0]);
	u32 r[LANES];
	bool same = true;
	EACH_ON(l, lanes) {
		r[l] = 0;
		EACH_ON(j, lanes) if (w.get(a, j) == w.get(a, l)) r[l] |= 1u << j;
		same = same && r[l] == lanes;
	}
	EACH_ON(l, lanes) d[l] = i.option ? (same ? lanes : 0) : r[l];
	if (i.second) w.setPredicate(i.operand[1], lanes, same ? lanes : 0);
}

enum Reduction { ADD, MIN, MAX, AND, OR, XOR };
static void reduce(Warp& w, Instruction& i, u32 lanes) {
	checkMask(w, i, lanes);
	u32 *a = w.at<u32>(i.operand[1]), *d = w.at<u32>(i.operand[0]), r = a[firstOf(lanes)];
	EACH_ON(l, lanes & (lanes - 1)) {
		bool less = i.type == S32 ? (i32)a[l] < (i32)r : a[l] < r;
		switch (i.mode) {
		case ADD: r += a[l]; break;
		case MIN: r = less ? a[l] : r; break;
		case MAX: r = less ? r : a[l]; break;
		case AND: r &= a[l]; break;
		case OR: r |= a[l]; break;
		default: r ^= a[l];
		}
	}
	EACH_ON(l, lanes) d[l] = r;
}

static void activeLanes(Warp& w, Instruction& i, u32 lanes) {
	u32* d = w.at<u32>(i.operand[0]);
	EACH_ON(l, lanes) d[l] = lanes;
}
static void syncWarp(Warp& w, Instruction& i, u32 lanes) {
	checkMask(w, i, lanes);
	w.lastSync = ++w.block->clock;
}

static bool together(Instruction& i, Execute f) {   // the last operand is the mask of lanes
	i.kind = TOGETHER;
	i.membersAt = i.operands - 1;
	return runs(i, f);
}

bool chooseWarp(Instruction& i, const Opcode& op) {
	const string& n = op.name;
	if (n == "activemask") return runs(i, activeLanes);
	if ((n == "bar" || n == "barrier") && op.has("warp")) return i.operands == 1 && together(i, syncWarp);
	if (!op.has("sync")) return false;
	if (n == "shfl") {
		int kind = op.which({"up", "down", "bfly", "idx"});
		i.mode = kind;
		return kind >= 0 && i.operands == 5 + i.second && together(i, shuffle);
	}
	if (n == "vote") {
		int kind = op.which({"all", "any", "uni", "ballot"});
		i.mode = kind;
		return kind >= 0 && i.operands == 3 && together(i, vote);
	}
	if (n == "match") {
		i.option = op.has("all");
		return i.operands == 3 + i.second && together(i, match);
	}
	if (n == "redux") {
		int kind = op.which({"add", "min", "max", "and", "or", "xor"});
		i.mode = kind;
		return kind >= 0 && i.operands == 3 && i.size == 4 && !isFloat(i.type) && together(i, reduce);
	}
	return false;
}

}  // namespace sim
