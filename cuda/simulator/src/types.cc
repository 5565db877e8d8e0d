#include "types.h"

#include <cstdio>
#include <map>

namespace sim {

Type typeNamed(const string& name) {
	static const std::map<string, Type> names = {
		{"b8", B8}, {"u8", U8}, {"s8", S8}, {"b16", B16}, {"u16", U16}, {"s16", S16}, {"f16", F16}, {"bf16", BF16}, {"b32", B32},
		{"u32", U32}, {"s32", S32}, {"f32", F32}, {"f16x2", F16X2}, {"bf16x2", BF16X2}, {"b64", B64}, {"u64", U64}, {"s64", S64},
		{"f64", F64}, {"pred", PRED}};
	auto found = names.find(name);
	return found == names.end() ? NONE : found->second;
}

string hex(u64 v) {
	char text[32];
	snprintf(text, sizeof text, "0x%llx", (unsigned long long)v);
	return text;
}

}  // namespace sim
