#include <cstring>

#include "../src/kernel.h"
#include "check.h"

using namespace sim;

static const std::string head = ".version 8.2\n.target sm_80\n.address_size 64\n";
static std::unique_ptr<Module> parse(const std::string& s) { return parseModule(head + s); }

TEST(parametersAreAligned) {
	auto m = parse(".visible .entry k(.param .u32 a, .param .u64 b, .param .u8 c, .param .align 8 .b8 d[12], .param .f32 e) { ret; }");
	Kernel& k = *m->kernels["k"];
	u32 offsets[] = {0, 8, 16, 24, 36}, bytes[] = {4, 8, 1, 12, 4};
	EQUAL(k.parameters.size(), (size_t)5);
	for (int j = 0; j < 5; j++) {
		EQUAL(k.parameters[j].offset, offsets[j]);
		EQUAL(k.parameters[j].bytes, bytes[j]);
	}
	EQUAL(k.parameterBytes, 40u);
}

TEST(sharedMemoryIsLaidOut) {
	auto m = parse(".shared .align 4 .b8 outside[6];\n.extern .shared .align 16 .b8 dynamic[];\n"
	               ".visible .entry k() { .shared .align 16 .b8 a[20]; .shared .f32 b; .reg .b32 %r<3>; mov.u32 %r1, dynamic; mov.u32 %r2, b; ret; }");
	Kernel& k = *m->kernels["k"];
	EQUAL(k.sharedBytes, 16u + 20 + 4);   // outside, to 16; a; b
	u32 dynamic = 0, b = 0;
	for (auto& c : k.constants) {
		u32 v;
		memcpy(&v, c.second.data(), 4);
		if (v == 48) dynamic = v;
		if (v == 36) b = v;
	}
	EQUAL(dynamic, 48u);   // after the static ones, to 16
	EQUAL(b, 36u);
}

TEST(globalsAreInitialised) {
	auto m = parse(".global .align 4 .u32 table[3] = {1, 2, 0xff};\n.const .align 8 .f64 half = 0d3FE0000000000000;\n.visible .entry k() { ret; }");
	auto table = m->globals["table"];
	EQUAL(table.second, (u64)12);
	u32 v[3];
	memcpy(v, memory.at(table.first, 12), 12);
	CHECK(v[0] == 1 && v[1] == 2 && v[2] == 255);
	double d;
	memcpy(&d, memory.at(m->globals["half"].first, 8), 8);
	EQUAL(d, 0.5);
}

TEST(branchesFindTheirLabels) {
	auto m = parse(".visible .entry k() { .reg .pred %p<2>; .reg .b32 %r<2>; A: add.u32 %r1, %r1, 1; @!%p1 bra B; bra A; B: ret; }");
	auto& code = m->kernels["k"]->code;
	EQUAL(code.size(), (size_t)5);   // with the end
	EQUAL(code[1].target, 3u);
	CHECK(code[1].guard >= 0 && code[1].guardNegated);
	EQUAL(code[2].target, 0u);
	CHECK(code[3].kind == EXIT && code[4].kind == EXIT);
}

TEST(innerNamesHideOuterOnes) {
	auto m = parse(".visible .entry k() { .reg .b32 %a; mov.u32 %a, 1; { .reg .b32 %a; mov.u32 %a, 2; } mov.u32 %a, 3; ret; }");
	auto& code = m->kernels["k"]->code;
	CHECK(code[0].operand[0].at != code[1].operand[0].at);
	EQUAL(code[0].operand[0].at, code[2].operand[0].at);
}

TEST(sourceLinesReachInstructions) {
	auto m = parse(".file 1 \"a.cu\"\n.file 2 \"b.cuh\"\n.visible .entry k() {\n.loc 2 41 7\ntrap;\n.loc 1 5 1, function_name x, inlined_at 1 2 3\nret;\n}");
	auto& code = m->kernels["k"]->code;
	CHECK(code[0].sourceFile == 2 && code[0].sourceLine == 41 && code[0].ptxLine == 8);
	CHECK(code[1].sourceFile == 1 && code[1].sourceLine == 5);
	EQUAL(m->files[2], "b.cuh");
}

TEST(launchBoundsAreRead) {
	auto m = parse(".visible .entry a() .maxntid 16, 8, 2 { ret; }\n.visible .entry b() .reqntid 32 .minnctapersm 2 { ret; }\n.visible .entry c() { ret; }");
	EQUAL(m->kernels["a"]->maxThreads, 256u);
	EQUAL(m->kernels["b"]->maxThreads, 32u);
	EQUAL(m->kernels["c"]->maxThreads, 1024u);
}

TEST(textOfInstructionsReadsWell) {
	auto m = parse(".visible .entry k(.param .u64 p) { .reg .b64 %rd<2>; .reg .f32 %f<3>; .reg .pred %p<2>; ld.param.u64 %rd1, [p]; @!%p1 ld.global.v2.f32 {%f1, %f2}, [%rd1+-8]; ret; }");
	EQUAL(m->kernels["k"]->text[1], "@!%p1 ld.global.v2.f32 {%f1, %f2}, [%rd1+-8]");
}

TEST(errorsNameTheLine) {
	THROWS(parse(".visible .entry k() {\n.reg .b32 %r<2>;\nadd.s32 %r1, %r1;\n}"), "PTX line 6, kernel k: 'add.s32' with 2 operands");
	THROWS(parse(".visible .entry k() { mov.u32 %r1, 1; ret; }"), "unknown operand '%r1'");
	THROWS(parse(".visible .entry k() { bra NOWHERE; }"), "no label NOWHERE");
	THROWS(parse(".visible .entry k() {"), "no end");
	THROWS(parse(".visible .entry k("), "'' where '.param' was expected");
	THROWS(parse(".nonsense"), "'.nonsense' is not supported");
	THROWS(parse(""), "no kernel");
}

// Any prefix of a good text ends in a result or in a Fault, never in a crash.
TEST(cutTextsAreRefused) {
	const std::string whole = head + ".global .align 4 .u32 t[2] = {1, 2};\n.file 1 \"a.cu\"\n.visible .entry k(.param .u64 p, .param .align 4 .b8 s[8]) .maxntid 32, 1, 1 {\n"
	                                 ".reg .b64 %rd<3>; .reg .f32 %f<5>; .reg .pred %p<2>; .shared .align 16 .b8 s1[64];\n.loc 1 2 3\nld.param.u64 %rd1, [p];\n"
	                                 "A: @%p1 bra A; ld.global.v4.f32 {%f1, %f2, %f3, %f4}, [%rd1+16]; bar.sync 0; { .reg .b32 %q; } ret; }\n";
	int refused = 0;
	for (size_t n = 0; n < whole.size(); n++) {
		try {
			parseModule(whole.substr(0, n));
		} catch (const Fault&) {
			refused++;
		}
	}
	CHECK(refused > (int)whole.size() - 5);
}

// So does a text with any one character replaced.
TEST(damagedTextsAreRefused) {
	const std::string whole = head + ".visible .entry k(.param .u64 p) {\n.reg .b64 %rd<3>; .reg .f32 %f<5>;\nld.param.u64 %rd1, [p]; ld.global.v4.f32 {%f1, %f2, %f3, %f4}, [%rd1+16]; mov.b64 %rd2, {%f1, %f2}; ret; }\n";
	const std::string with = "x0.{}[]();%\"/-\n<";
	int tried = 0;
	for (size_t n = 0; n < whole.size(); n++)
		for (char c : with) {
			std::string s = whole;
			s[n] = c;
			try {
				parseModule(s);
			} catch (const Fault&) {
			}
			tried++;
		}
	CHECK(tried > 2000);
}
