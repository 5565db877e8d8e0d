#include "opcode.h"

#include <map>

namespace sim {

Opcode::Opcode(const string& dotted) {
	vector<string> parts(1);
	for (char c : dotted)
		if (c == '.') parts.emplace_back();
		else parts.back() += c;
	name = parts[0];
	suffixes.assign(parts.begin() + 1, parts.end());
}

int Opcode::which(std::initializer_list<const char*> words) const {
	int n = 0;
	for (const char* w : words) {
		if (has(w)) return n;
		n++;
	}
	return -1;
}

// How many operands the opcodes have that always have the same number; the others' families look themselves.
static bool countFits(const Instruction& i, const Opcode& op) {
	static const std::map<string, int> counts = {
		{"neg", 2}, {"abs", 2}, {"not", 2}, {"cnot", 2}, {"sqrt", 2}, {"rsqrt", 2}, {"rcp", 2}, {"ex2", 2}, {"lg2", 2}, {"sin", 2},
		{"cos", 2}, {"tanh", 2}, {"popc", 2}, {"clz", 2}, {"brev", 2}, {"bfind", 2}, {"cvta", 2}, {"testp", 2}, {"activemask", 1},
		{"add", 3}, {"sub", 3}, {"mul", 3}, {"addc", 3}, {"subc", 3}, {"div", 3}, {"rem", 3}, {"min", 3}, {"max", 3}, {"and", 3},
		{"or", 3}, {"xor", 3}, {"shl", 3}, {"shr", 3}, {"copysign", 3}, {"mul24", 3}, {"set", 3},
		{"mad", 4}, {"madc", 4}, {"fma", 4}, {"selp", 4}, {"slct", 4}, {"shf", 4}, {"prmt", 4}, {"bfe", 4}, {"dp4a", 4},
		{"bfi", 5}, {"lop3", 5}};
	if (op.name == "setp") return i.operands == 3 + i.second + (op.which({"and", "or", "xor"}) >= 0);
	if (op.name == "mov") return i.operands == i.vector + 1;
	auto found = counts.find(op.name);
	return found == counts.end() || i.operands == found->second;
}

bool choose(Instruction& i, const Opcode& op) {
	if (!countFits(i, op)) return false;
	int r = op.which({"rz", "rm", "rp", "rzi", "rmi", "rpi"});
	i.rounding = r < 0 ? NEAREST : Rounding(r % 3 + 1);
	i.size = widthOf(i.type);
	for (auto family : {chooseCompare, chooseMove, chooseConvert, chooseMemory, chooseAtomic, chooseAsync, chooseWarp, chooseMatrix,
	                    chooseBits, chooseFloat, chooseInteger})
		if (family(i, op)) return true;
	return false;
}

}  // namespace sim
