#include <cstring>

#include "parser.h"

namespace sim {

static const u32 LINE = 64;   // registers begin at multiples of it: the lane loops load whole vectors

Operand RegisterFile::fresh(u8 width) {
	u32& top = kernel.registerBytes;
	if (width == 0) {
		if (predicateNext == predicateEnd) {
			predicateNext = top;
			predicateEnd = top += LINE;
		}
		predicateNext += 4;
		return {predicateNext - 4, 0};
	}
	Operand o{top, width};
	top += (LANES * width + LINE - 1) / LINE * LINE;
	return o;
}

Operand RegisterFile::constant(u8 width, u64 bits) {
	if (width && width < 8) bits &= (1ull << 8 * width) - 1;
	auto key = std::make_pair((int)width, bits);
	auto known = constants.find(key);
	if (known != constants.end()) return known->second;
	Operand o = fresh(width);
	vector<u8> lanes(width ? LANES * width : 4);
	for (size_t l = 0; width && l < LANES; l++) memcpy(&lanes[l * width], &bits, width);
	if (!width) memset(lanes.data(), bits ? 0xff : 0, lanes.size());
	kernel.constants.push_back({o.at, lanes});
	return constants[key] = o;
}

bool RegisterFile::special(const string& name, Operand& o) {
	static const std::set<string> known = {
		"%tid.x", "%tid.y", "%tid.z", "%ntid.x", "%ntid.y", "%ntid.z", "%ctaid.x", "%ctaid.y", "%ctaid.z", "%nctaid.x", "%nctaid.y",
		"%nctaid.z", "%laneid", "%warpid", "%nwarpid", "%smid", "%nsmid", "%lanemask_eq", "%lanemask_lt", "%lanemask_le",
		"%lanemask_gt", "%lanemask_ge", "%clock", "%clock64", "%globaltimer", "%dynamic_smem_size"};
	if (!known.count(name)) return false;
	auto found = specials.find(name);
	if (found == specials.end()) {
		o = fresh(name == "%clock64" || name == "%globaltimer" ? 8 : 4);
		specials[name] = o;
		kernel.specials.push_back({o.at, name});
	} else {
		o = found->second;
	}
	return true;
}

const Operand* RegisterFile::find(const string& n) const {
	for (size_t s = scopes.size(); s--;) {
		auto found = scopes[s].find(n);
		if (found != scopes[s].end()) return &found->second;
	}
	return nullptr;
}

}  // namespace sim
