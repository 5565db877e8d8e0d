// What the parser makes of a PTX text: modules, kernels, instructions.
#pragma once
#include <map>
#include <memory>

#include "memory.h"
#include "types.h"

namespace sim {

struct Warp;
struct Instruction;
using Execute = void (*)(Warp&, Instruction&, u32 lanes);   // does the instruction for the lanes whose bit is set

enum Kind : u8 { PLAIN, BRANCH, BARRIER, TOGETHER, EXIT };  // TOGETHER: the lanes of a warp do it as one (shfl, mma, ...)
enum Rounding : u8 { NEAREST, TO_ZERO, DOWN, UP };

struct Operand {
	u32 at = 0;        // byte offset into the warp's registers: 32 lanes side by side, or one word for a predicate
	u8 width = 0;      // of a lane, in bytes; 0: predicate
};

const int MAX_OPERANDS = 20;
const u8 NO_OPERAND = 255;

struct Instruction {
	Execute run = nullptr;
	Kind kind = PLAIN;
	Type type = NONE, from = NONE;     // from: source type of cvt
	Space space = GENERIC;
	Rounding rounding = NEAREST;
	u8 vector = 1;                     // elements of ld, st, mov {..}
	u8 size = 0;                       // bytes of an element in memory
	u8 mode = 0;                       // which of a family: comparison, atomic operation, shuffle ...
	u8 combine = 0;                    // setp: 1 and, 2 or, 3 xor with a predicate
	u8 membersAt = NO_OPERAND;         // TOGETHER: the operand with the mask of lanes; none: all
	bool flush = false;                // .ftz
	bool saturate = false;             // .sat
	bool option = false;               // one more property of a family, named where it is used
	bool second = false;               // there is a second result: setp p|q, shfl d|p
	bool negated = false;              // a predicate operand was written with !
	bool guardNegated = false;
	i32 guard = -1;                    // offset of the guard predicate
	u8 operands = 0;
	Operand operand[MAX_OPERANDS];
	i64 offset = 0, offset2 = 0;       // of the first and second address
	u32 target = 0;                    // of a branch: index
	u32 text = 0;                      // index into Kernel::text
	u32 sourceFile = 0, sourceLine = 0, ptxLine = 0;

	Allocation* lastUsed = nullptr;    // found at the last access: usually the next one's, too
	u64 executions = 0;                // warps that did it
	u64 accesses = 0, waste = 0;       // statistics: bank-conflict replays, or sectors beyond the needed ones
};

struct Parameter { u32 offset, bytes; };

struct Kernel {
	string name;
	vector<Parameter> parameters;
	u32 parameterBytes = 0;
	vector<Instruction> code;
	vector<string> text;                             // of instructions, for messages
	u32 registerBytes = 0, sharedBytes = 0, localBytes = 0;
	u32 maxThreads = 1024;
	u32 dynamicLimit = 48 << 10;                     // dynamic shared memory that was asked for
	u32 shadowShift = 4;                             // log2 of the narrowest access to shared memory
	vector<std::pair<u32, vector<u8>>> constants;    // register offset, 32 lanes
	vector<std::pair<u32, string>> specials;         // register offset, "%tid.x"
	u64 launches = 0, warpInstructions = 0;
};

struct Module {
	std::map<string, std::unique_ptr<Kernel>> kernels;
	std::map<string, std::pair<u64, u64>> globals;   // address and bytes
	vector<string> files;                            // of .file
	string version, target;
	~Module();
};

std::unique_ptr<Module> parseModule(const string& ptx);   // throws Fault with line and instruction

}  // namespace sim
