#include "../src/opcode.h"
#include "check.h"

using namespace sim;

TEST(opcodesComeApart) {
	Opcode o("ld.global.nc.v4.f32");
	EQUAL(o.name, "ld");
	EQUAL(o.suffixes.size(), (size_t)4);
	CHECK(o.has("nc") && o.has("f32") && !o.has("ld") && !o.has("shared"));
	EQUAL(o.which({"shared", "global", "nc"}), 1);
	EQUAL(o.which({"shared", "local"}), -1);
	EQUAL(Opcode("ret").suffixes.size(), (size_t)0);
}

// choose finds a function for what is modelled, and for nothing else: neither another opcode, nor another number of operands.
static bool chosen(const std::string& dotted, int operands, Type t, Instruction* out = nullptr) {
	Instruction i;
	i.operands = operands;
	i.type = t;
	for (int n = 0; n < operands; n++) i.operand[n].width = widthOf(t);
	bool found = choose(i, Opcode(dotted));
	if (out) *out = i;
	return found && i.run;
}

TEST(everyFamilyIsChosen) {
	struct { const char* dotted; int operands; Type type; } known[] = {
		{"add.s32", 3, S32}, {"mul.wide.s32", 3, S32}, {"mad.lo.s32", 4, S32}, {"div.u32", 3, U32}, {"rem.s32", 3, S32},             // integer.cc
		{"add.f32", 3, F32}, {"fma.rn.f32", 4, F32}, {"ex2.approx.ftz.f32", 2, F32}, {"rcp.rn.f32", 2, F32}, {"fma.rn.f16x2", 4, F16X2},   // float.cc
		{"and.b32", 3, B32}, {"shl.b64", 3, B64}, {"bfi.b32", 5, B32}, {"lop3.b32", 5, B32}, {"popc.b32", 2, B32},                   // bits.cc
		{"setp.lt.f32", 3, F32}, {"setp.eq.s64", 3, S64}, {"setp.nan.f32", 3, F32},                                                 // compare.cc
		{"mov.u32", 2, U32}, {"selp.f32", 4, F32}};                                                                                 // move.cc
	for (auto& k : known)
		if (!chosen(k.dotted, k.operands, k.type)) failed(__FILE__, __LINE__, std::string(k.dotted) + " is not chosen");
}

TEST(whatIsNotModelledIsNotChosen) {
	struct { const char* dotted; int operands; Type type; } unknown[] = {
		{"wgmma.fence.sync.aligned", 0, NONE}, {"frobnicate.s32", 3, S32}, {"add.s32", 2, S32}, {"add.s32", 4, S32}, {"fma.rn.f32", 3, F32},
		{"bfi.b32", 4, B32}, {"selp.b32", 3, B32}, {"setp.lt.s32", 2, S32}, {"sad.s32", 4, S32}, {"bmsk.clamp.b32", 3, B32}};
	for (auto& u : unknown)
		if (chosen(u.dotted, u.operands, u.type)) failed(__FILE__, __LINE__, std::string(u.dotted) + " is chosen");
}

TEST(roundingComesFromTheSuffix) {
	Instruction i;
	CHECK(chosen("add.rz.f32", 3, F32, &i));
	EQUAL(i.rounding, TO_ZERO);
	CHECK(chosen("add.rm.f32", 3, F32, &i));
	EQUAL(i.rounding, DOWN);
	CHECK(chosen("add.rp.f32", 3, F32, &i));
	EQUAL(i.rounding, UP);
	CHECK(chosen("add.f32", 3, F32, &i));
	EQUAL(i.rounding, NEAREST);
}
