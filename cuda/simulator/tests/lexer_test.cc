#include "../src/lexer.h"
#include "check.h"

using namespace sim;

static std::string joined(const std::string& ptx) {
	std::string s;
	for (auto& t : tokenize(ptx)) s += (s.empty() ? "" : "|") + t.text;
	return s;
}

TEST(wordsOfPTX) {
	EQUAL(joined("add.s32 %r1, %r2, -4;"), "add.s32|%r1|,|%r2|,|-|4|;");
	EQUAL(joined("@!%p1 bra $L_2;"), "@|!|%p1|bra|$L_2|;");
	EQUAL(joined("ld.global.v2.f32 {%f1,%f2}, [%rd1+8];"), "ld.global.v2.f32|{|%f1|,|%f2|}|,|[|%rd1|+|8|]|;");
	EQUAL(joined("$L_1: ret;"), "$L_1|:|ret|;");
	EQUAL(joined("ld.global.L1::no_allocate.f32 a;"), "ld.global.L1::no_allocate.f32|a|;");
	EQUAL(joined(""), "");
	EQUAL(joined(" \t\n"), "");
}

TEST(commentsVanish) {
	EQUAL(joined("a // b ; c\nd"), "a|d");
	EQUAL(joined("a /* b\nc */ d"), "a|d");
	EQUAL(joined("a /* without end"), "a");
	EQUAL(joined("a // without newline"), "a");
}

TEST(quotesAreOneWord) {
	EQUAL(joined(".file 1 \"a b//c.cu\""), ".file|1|\"a b//c.cu\"");
	EQUAL(joined("\"without end"), "\"without end");
}

TEST(linesAreCounted) {
	auto t = tokenize("a\nb /* x\ny */ c\n\nd");
	EQUAL(t.size(), (size_t)4);
	EQUAL(t[0].line, 1u);
	EQUAL(t[1].line, 2u);
	EQUAL(t[2].line, 3u);
	EQUAL(t[3].line, 5u);
}
