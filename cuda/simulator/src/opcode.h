// An opcode with its suffixes, and the choice of the function that executes it.
#pragma once
#include <algorithm>

#include "kernel.h"

namespace sim {

struct Opcode {
	string name;               // "ld"
	vector<string> suffixes;   // "global", "v4", "f32"
	explicit Opcode(const string& dotted);
	bool has(const char* suffix) const { return std::find(suffixes.begin(), suffixes.end(), suffix) != suffixes.end(); }
	// The place of the first of these words among the suffixes' words; -1: none of them is there.
	int which(std::initializer_list<const char*> words) const;
};

// Sets run, kind and what run reads, from the opcode and the operands already parsed. False: not modelled.
bool choose(Instruction& i, const Opcode& op);

// The families, each in its file. They answer false for opcodes of others.
bool chooseInteger(Instruction& i, const Opcode& op);      // integer.cc
bool chooseFloat(Instruction& i, const Opcode& op);        // float.cc
bool chooseBits(Instruction& i, const Opcode& op);         // bits.cc
bool chooseMove(Instruction& i, const Opcode& op);         // move.cc: mov, cvta, selp, predicates
bool chooseConvert(Instruction& i, const Opcode& op);      // convert.cc
bool chooseCompare(Instruction& i, const Opcode& op);      // compare.cc
bool chooseMemory(Instruction& i, const Opcode& op);       // access.cc
bool chooseAtomic(Instruction& i, const Opcode& op);       // atomic.cc
bool chooseAsync(Instruction& i, const Opcode& op);        // async.cc: cp.async
bool chooseWarp(Instruction& i, const Opcode& op);         // warpwide.cc: shfl, vote, redux, match
bool chooseMatrix(Instruction& i, const Opcode& op);       // matrix.cc: mma, ldmatrix

}  // namespace sim
