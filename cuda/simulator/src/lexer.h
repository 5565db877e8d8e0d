// PTX text to words.
#pragma once
#include "types.h"

namespace sim {

struct Token {
	string text;
	u32 line;
};

// Words keep dots, $, % and :: inside ("ld.global.L1::no_allocate.f32"); a quoted string is one word with its quotes; every other
// character stands alone. Comments vanish.
vector<Token> tokenize(const string& ptx);

}  // namespace sim
