#include "opcode.h"

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

bool choose(Instruction& i, const Opcode& op) {
	int r = op.which({"rz", "rm", "rp", "rzi", "rmi", "rpi"});
	i.rounding = r < 0 ? NEAREST : Rounding(r % 3 + 1);
	i.size = widthOf(i.type);
	for (auto family : {chooseCompare, chooseMove, chooseConvert, chooseMemory, chooseAtomic, chooseAsync, chooseWarp, chooseMatrix,
	                    chooseBits, chooseFloat, chooseInteger})
		if (family(i, op)) return true;
	return false;
}

}  // namespace sim
