// mov (also to and from vectors), selp, slct, cvta, logic of predicates, and instructions without effect here.
#include "lanes.h"
#include "opcode.h"

namespace sim {

UNARY(Copy, a)

static u64 maskOf(int bits) { return bits == 64 ? ~0ull : (1ull << bits) - 1; }

// mov.b64 d, {a, b}: a is the lowest part
static void pack(Warp& w, Instruction& i, u32 lanes) {
	int bits = i.operand[0].width * 8 / i.vector;
	EACH_ON(l, lanes) {
		u64 v = 0;
		for (int j = 0; j < i.vector; j++) v |= (w.get(i.operand[1 + j], l) & maskOf(bits)) << (bits * j);
		w.set(i.operand[0], l, v);
	}
}
// mov.b64 {a, b}, s
static void unpack(Warp& w, Instruction& i, u32 lanes) {
	const Operand& source = i.operand[i.vector];
	int bits = source.width * 8 / i.vector;
	EACH_ON(l, lanes) {
		u64 v = w.get(source, l);
		for (int j = 0; j < i.vector; j++) w.set(i.operand[j], l, v >> (bits * j));
	}
}

template <class T> static void select(Warp& w, Instruction& i, u32 lanes) {
	T *a = w.at<T>(i.operand[1]), *b = w.at<T>(i.operand[2]), r[LANES];
	u32 p = w.predicate(i.operand[3]);
	EACH_LANE(l) r[l] = isOn(p, l) ? a[l] : b[l];
	store(w.at<T>(i.operand[0]), r, lanes);
}

// slct: a where c >= 0, else b; c is s32 or f32 (NaN takes b)
static void selectBySign(Warp& w, Instruction& i, u32 lanes) {
	EACH_ON(l, lanes) {
		bool first = i.from == F32 ? w.at<float>(i.operand[3])[l] >= 0 : w.at<i32>(i.operand[3])[l] >= 0;
		w.set(i.operand[0], l, w.get(i.operand[first ? 1 : 2], l));
	}
}

enum Logic { COPY, NOT, AND, OR, XOR };
template <Logic OP> static void predicateLogic(Warp& w, Instruction& i, u32 lanes) {
	u32 a = w.predicate(i.operand[1]), b = OP >= AND ? w.predicate(i.operand[2]) : 0;
	u32 r = OP == COPY ? a : OP == NOT ? ~a : OP == AND ? a & b : OP == OR ? a | b : a ^ b;
	w.setPredicate(i.operand[0], lanes, r);
}

// cvta: a space's address to a generic one, or back (option).
static void convertAddress(Warp& w, Instruction& i, u32 lanes) {
	u64 base = i.space == SHARED ? SHARED_BASE : i.space == LOCAL ? LOCAL_BASE : i.space == PARAM ? PARAM_BASE : 0;
	if (i.option) base = 0 - base;
	EACH_ON(l, lanes) w.set(i.operand[0], l, w.get(i.operand[1], l) + base);
}

static void nothing(Warp&, Instruction&, u32) {}
static void trap(Warp& w, Instruction& i, u32 lanes) { fault(w, i, firstOf(lanes), LAUNCH_FAILED, "trap"); }

static Execute moveOf(const Instruction& i) {
	if (i.type == PRED) return predicateLogic<COPY>;
	if (i.vector > 1) return i.option ? pack : unpack;
	return i.size == 2 ? unary<u16, Copy> : i.size == 4 ? unary<u32, Copy> : i.size == 8 ? unary<u64, Copy> : nullptr;
}

bool chooseMove(Instruction& i, const Opcode& op) {
	const string& n = op.name;
	if (n == "mov") return runs(i, moveOf(i));
	if (n == "selp") return runs(i, i.size == 2 ? select<u16> : i.size == 4 ? select<u32> : i.size == 8 ? select<u64> : nullptr);
	if (n == "slct") return (i.from == S32 || i.from == F32) && runs(i, selectBySign);
	if (n == "cvta") {
		i.option = op.has("to");
		return runs(i, convertAddress);
	}
	if (n == "membar" || n == "fence" || n == "nanosleep" || n == "prefetch" || n == "prefetchu" || n == "discard") return runs(i, nothing);
	if (n == "trap" || n == "brkpt") return runs(i, trap);
	if (i.type != PRED) return false;
	if (n == "not") return runs(i, predicateLogic<NOT>);
	if (n == "and") return runs(i, predicateLogic<AND>);
	if (n == "or") return runs(i, predicateLogic<OR>);
	if (n == "xor") return runs(i, predicateLogic<XOR>);
	return false;
}

}  // namespace sim
