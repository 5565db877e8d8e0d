// Variables in shared, local, global and constant memory.
#include <cstring>

#include "parser.h"

namespace sim {

static void appendBytes(vector<u8>& to, u64 v, int width) {
	for (int b = 0; b < width; b++) to.push_back(v >> (8 * b));
}

// After "=": a number or {numbers}.
vector<u8> Parser::initializer(int width) {
	vector<u8> bytes;
	if (accept("{")) {
		do appendBytes(bytes, number(), width);
		while (accept(","));
		expect("}");
	} else appendBytes(bytes, number(), width);
	return bytes;
}

// .shared .align 16 .b8 name[256];   .global .align 4 .u32 table[4] = {1, 2, 3, 4};
void Parser::variable(Space space, bool isExternal) {
	u64 align = 1;
	int width = 0, vector = 1;
	while (now()[0] == '.') {
		string word = take();
		if (word == ".align") align = number();
		else if (word == ".v2") vector = 2;
		else if (word == ".v4") vector = 4;
		else if (Type t = typeNamed(word.substr(1))) width = widthOf(t);
	}
	string name = take();
	u64 count = 1;
	bool open = false;
	while (accept("[")) {
		if (now() == "]") open = true;
		else count *= number();
		expect("]");
	}
	if (!width || count > 1u << 30) fail("variable " + name + " has no known size");
	align = std::max<u64>(align, width * vector);
	std::vector<u8> initial;
	if (accept("=")) initial = initializer(width);
	expect(";");
	if (space == SHARED && isExternal) {
		dynamicShared.push_back(name);
		(kernel ? kernelSymbols : moduleSymbols)[name] = {SHARED, 0};
		return;
	}
	u64 bytes = open ? initial.size() : count * width * vector;
	if (space == SHARED && !kernel) {
		moduleShared.push_back({name, bytes, (u32)align});
		return;
	}
	place(space, name, bytes, align, initial);
}

void Parser::place(Space space, const string& name, u64 bytes, u32 align, const vector<u8>& initial) {
	auto& table = kernel ? kernelSymbols : moduleSymbols;
	if (space == GLOBAL) {
		u64 address = memory.allocate(std::max<u64>(bytes, 1), nullptr);
		if (!address) fail("no memory for variable " + name);
		u8* host = memory.at(address, bytes);
		memset(host, 0, bytes);
		if (!initial.empty()) memcpy(host, initial.data(), std::min<u64>(initial.size(), bytes));
		table[name] = {GLOBAL, address};
		module->globals[name] = {address, bytes};
		return;
	}
	u32& top = space == SHARED ? kernel->sharedBytes : kernel->localBytes;
	top = (top + align - 1) / align * align;
	table[name] = {space, top};
	top += bytes;
}

}  // namespace sim
